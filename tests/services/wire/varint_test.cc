// Numbers and fields of protobuf's wire, read from any bytes.
#include "services/wire/varint.h"

#include <cstdint>
#include <string>

#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "gtest/gtest.h"

namespace fiscal::services::wire {
namespace {

std::string Written(uint64_t value) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.WriteVarint64(value);
  coded.Trim();
  return bytes;
}

TEST(VarintTest, ReadsWhatProtobufWrites) {
  for (int bits = 0; bits < 64; ++bits) {
    for (const uint64_t value : {uint64_t{1} << bits, (uint64_t{1} << bits) - 1, ~uint64_t{0}}) {
      const std::string bytes = Written(value) + "rest";
      absl::string_view view = bytes;
      uint64_t read = 0;
      ASSERT_TRUE(ReadVarint(&view, &read)) << value;
      EXPECT_EQ(read, value);
      EXPECT_EQ(view, "rest");
    }
  }
}

TEST(VarintTest, EndsWhereItsBytesEnd) {
  uint64_t value;
  for (const std::string& bytes : {std::string(), std::string("\x80"), std::string("\xff\xff"),
                                   std::string(10, '\x80'), std::string(11, '\xff')}) {
    absl::string_view view = bytes;
    EXPECT_FALSE(ReadVarint(&view, &value)) << bytes.size();
  }
  // Of the tenth byte one bit counts.
  const std::string tenth = std::string(9, '\xff') + '\x7f';
  absl::string_view view = tenth;
  ASSERT_TRUE(ReadVarint(&view, &value));
  EXPECT_EQ(value, ~uint64_t{0});
}

struct Read {
  bool ok = false;
  WireField field;
  std::string rest;
};
Read FieldOf(const std::string& bytes) {
  Read read;
  absl::string_view view = bytes;
  read.ok = ReadField(&view, &read.field);
  read.rest = std::string(view);
  return read;
}

TEST(WireFieldTest, EachTypeIsTakenOffTheFront) {
  const Read number = FieldOf("\x08\x96\x01more");
  ASSERT_TRUE(number.ok);
  EXPECT_EQ(number.field.tag >> 3, 1u);
  EXPECT_EQ(number.field.value, 150u);
  EXPECT_EQ(number.rest, "more");
  const std::string text =
      "\x12\x03"
      "abcmore";
  absl::string_view view = text;
  WireField field;
  ASSERT_TRUE(ReadField(&view, &field));
  EXPECT_EQ(field.wire_type(), 2u);
  EXPECT_EQ(field.content, "abc");
  EXPECT_EQ(view, "more");
  EXPECT_EQ(FieldOf("\x0d"
                    "1234more")
                .rest,
            "more");
  EXPECT_EQ(FieldOf("\x09"
                    "12345678more")
                .rest,
            "more");
  // The start and the end of a group have no content.
  EXPECT_EQ(FieldOf("\x0bmore").rest, "more");
  EXPECT_EQ(FieldOf("\x0cmore").rest, "more");
}

TEST(WireFieldTest, WhatIsNoFieldIsNone) {
  for (const std::string& bytes : {std::string(), std::string("\x08"),
                                   std::string("\x0d"
                                               "123"),
                                   std::string("\x09"
                                               "1234567"),
                                   std::string("\x12\x04"
                                               "abc"),
                                   std::string("\x0e"), std::string("\x0f"),
                                   // A tag over 32 bits.
                                   std::string("\x80\x80\x80\x80\x80\x01", 6)})
    EXPECT_FALSE(FieldOf(bytes).ok) << bytes.size();
}

}  // namespace
}  // namespace fiscal::services::wire
