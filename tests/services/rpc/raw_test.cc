// A request's bytes in one piece, copied only where they came in several.
#include "services/rpc/raw.h"

#include <string>

#include "google/protobuf/wrappers.pb.h"
#include "gtest/gtest.h"

namespace fiscal::services::rpc {
namespace {

TEST(FlatBytesTest, OneSliceStaysInPlace) {
  const std::string text(1000, 'x');
  grpc::Slice slice(text);
  const grpc::ByteBuffer buffer(&slice, 1);
  const FlatBytes flat(buffer);
  EXPECT_EQ(flat.view(), text);
  EXPECT_EQ(static_cast<const void*>(flat.view().data()), static_cast<const void*>(slice.begin()));
}

TEST(FlatBytesTest, SeveralSlicesAreJoined) {
  grpc::Slice slices[] = {grpc::Slice("one "), grpc::Slice(""), grpc::Slice("two")};
  EXPECT_EQ(FlatBytes(grpc::ByteBuffer(slices, 3)).view(), "one two");
}

TEST(FlatBytesTest, NothingIsEmpty) {
  EXPECT_EQ(FlatBytes(grpc::ByteBuffer()).view(), "");
  EXPECT_EQ(FlatBytes(grpc::ByteBuffer(nullptr, 0)).view(), "");
}

TEST(ToBufferTest, HasTheBytesOfTheMessage) {
  google::protobuf::StringValue message;
  message.set_value("预算");
  EXPECT_EQ(FlatBytes(ToBuffer(message)).view(), message.SerializeAsString());
}

}  // namespace
}  // namespace fiscal::services::rpc
