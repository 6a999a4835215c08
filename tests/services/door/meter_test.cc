// What a connection costs: what calls take is forgotten, what nobody takes adds up.
#include "services/door/meter.h"

#include "gtest/gtest.h"

namespace fiscal::services {
namespace {

constexpr int64_t kMiB = 1 << 20;

TEST(MeterTest, WhatIsTakenIsForgottenAndWhatIsNotAddsUp) {
  Meter meter;
  // A message of 16 MB on its way, whole, and 1,000 like it after each other: never more than one.
  int64_t received = 0, taken = 0;
  for (int i = 0; i < 1000; ++i) {
    meter.Read(Meter::Bytes{taken, received += 8 * kMiB, 0}, absl::Milliseconds(20));
    meter.Read(Meter::Bytes{taken, received += 8 * kMiB, 0}, absl::Milliseconds(20));
    EXPECT_LE(meter.untaken(), 16 * kMiB);
    taken += 16 * kMiB;
  }
  // A reader that acknowledges what it is sent, for long.
  int64_t sent = 0;
  for (int i = 0; i < 1000; ++i)
    meter.Read(Meter::Bytes{taken, received += 13 * 32, sent += kMiB}, absl::Milliseconds(20));
  EXPECT_EQ(meter.untaken(), 0);
  // Bytes that nobody takes. A quiet hour before is worth no more than a second.
  meter.Read(Meter::Bytes{taken, received += 70 * kMiB, sent}, absl::Hours(1));
  EXPECT_GT(meter.untaken(), 69 * kMiB);

  // 100,000 calls, 100 at once.
  int64_t calls = 0;
  for (; calls < 100000; calls += 100)
    meter.Read(Meter::Streams{calls, 0, calls + 100, calls}, absl::Milliseconds(20));
  EXPECT_LE(meter.idle_streams(), 100);
  // Begun, and left: 33,000 a second.
  int64_t started = calls;
  for (int i = 0; i < 10; ++i) {
    started += 660;
    meter.Read(Meter::Streams{calls, 0, started, started}, absl::Milliseconds(20));
  }
  EXPECT_GT(meter.idle_streams(), 6000);
  meter = Meter();
  // Opened, and never used, however slowly.
  for (started = 1; started <= 1000; ++started)
    meter.Read(Meter::Streams{0, 0, started, 0}, absl::Seconds(1));
  EXPECT_EQ(meter.idle_streams(), 1000);
}

// A peer that keeps the rules resets a few calls, or all he has open at once.
TEST(MeterTest, ResetsAreForgivenSlowly) {
  Meter meter;
  meter.Read(Meter::Bytes{1, 1, 0}, absl::ZeroDuration());
  int64_t second = 0;
  for (const int64_t step : {1, 10}) {
    for (const int64_t end = second + 50 * step; second < end;) {
      second += step;
      const int64_t ended = second * 20000;
      meter.Read(Meter::Streams{ended, 0, ended, ended, second * 400}, absl::Seconds(step));
    }
    EXPECT_EQ(meter.left_streams(), 0) << step;
  }
  meter.Read(Meter::Streams{11001000, 0, 11001000, 11001000, 221024}, absl::Milliseconds(20));
  EXPECT_EQ(meter.left_streams(), 1014);
  meter.Read(Meter::Streams{11001000, 0, 11001000, 11001000, 221024}, absl::Seconds(1));
  EXPECT_EQ(meter.left_streams(), 514);
  // 30,000 a second.
  for (int64_t i = 1; i <= 10; ++i) {
    meter.Read(Meter::Streams{11001000, 0, 11001000, 11001000, 221024 + i * 600},
               absl::Milliseconds(20));
  }
  EXPECT_GT(meter.left_streams(), 6000);
}

// Only so much is forgiven ahead for a long quiet.
TEST(MeterTest, AQuietHourIsWorthASecond) {
  Meter quiet, brief;
  quiet.Read(Meter::Bytes{0, kMiB, 0}, absl::Hours(1));
  brief.Read(Meter::Bytes{0, kMiB, 0}, absl::Seconds(1));
  EXPECT_EQ(quiet.untaken(), brief.untaken());
  EXPECT_LT(quiet.untaken(), kMiB);
}

// A thousand who begin and whom nobody got round to are not forgiven what they sent.
TEST(MeterTest, WhoBeginsIsForgivenLittle) {
  constexpr int64_t kSent = 6 << 10;
  Meter begins, goes_on;
  begins.Read(Meter::Bytes{0, kSent, 0}, absl::ZeroDuration());
  goes_on.Read(Meter::Bytes{1, kSent + 1, 0}, absl::ZeroDuration());
  begins.Read(Meter::Streams{0, 0, 200, 200}, absl::ZeroDuration());
  goes_on.Read(Meter::Streams{0, 0, 200, 200}, absl::ZeroDuration());
  for (int i = 0; i < 5; ++i) {
    begins.Read(Meter::Bytes{0, kSent, 0}, absl::Seconds(1));
    goes_on.Read(Meter::Bytes{1, kSent + 1, 0}, absl::Seconds(1));
    begins.Read(Meter::Streams{0, 0, 200, 200}, absl::Milliseconds(100));
    goes_on.Read(Meter::Streams{0, 0, 200, 200}, absl::Milliseconds(100));
  }
  EXPECT_EQ(goes_on.untaken(), 0);
  EXPECT_EQ(goes_on.idle_streams(), 0);
  EXPECT_GT(begins.untaken(), 4 << 10);
  EXPECT_GT(begins.idle_streams(), 180);
}

// However often it is looked at.
TEST(MeterTest, SmallStepsForgiveWhatOneLargeDoes) {
  Meter once, often;
  once.Read(Meter::Bytes{0, kMiB, 0}, absl::Seconds(1));
  for (int i = 0; i < 1000000; ++i) often.Read(Meter::Bytes{0, kMiB, 0}, absl::Microseconds(1));
  EXPECT_LE(often.untaken() - once.untaken(), 1);
}

TEST(MeterTest, NothingIsOwedBelowNothing) {
  Meter meter;
  meter.Read(Meter::Bytes{100 * kMiB, kMiB, 0}, absl::Seconds(1));
  EXPECT_EQ(meter.untaken(), 0);
  meter.Read(Meter::Streams{10, 0, 5, 5}, absl::Seconds(1));
  EXPECT_EQ(meter.idle_streams(), 0);
}

}  // namespace
}  // namespace fiscal::services
