// Shares: what roles give, together and with changes.
#include "domain/authority/share.h"

#include <string>
#include <vector>

#include "domain/authority/role.h"
#include "gtest/gtest.h"

namespace fiscal::authority {
namespace {

// Bound by bound, in the order of the enum.
std::vector<int64_t> Numbers(const Share& share) {
  std::vector<int64_t> numbers;
  for (int i = 0; i < kBounds; ++i) numbers.push_back(share[static_cast<Bound>(i)]);
  return numbers;
}

std::vector<int64_t> Of(const std::vector<Shares::Change>& changes,
                        const std::vector<absl::string_view>& roles,
                        const std::string& principal = "cn:a@CA") {
  return Numbers(Shares(changes).Of(principal, roles));
}

TEST(ShareTest, IsTheLargestOfItsRolesBoundByBound) {
  EXPECT_EQ(Of({}, {}), (std::vector<int64_t>{64, 16, 16, 100, 100000}));
  EXPECT_EQ(Of({}, {"submitter"}), (std::vector<int64_t>{1024, 256, 256, 2000, 5000000}));
  EXPECT_EQ(Of({}, {"witness", "submitter", "reader"}),
            (std::vector<int64_t>{1024, 256, 2000, 2000, 5000000}));
  EXPECT_EQ(Of({}, {"witness"}), (std::vector<int64_t>{256, 64, 16, 500, 1000000}));
}

TEST(ShareTest, NoRoleGivesLessThanEverybodyHas) {
  const std::vector<int64_t> least = Of({}, {});
  for (const Role& role : Roles()) {
    const std::vector<int64_t> numbers = Of({}, {role.id});
    for (int i = 0; i < kBounds; ++i) EXPECT_GE(numbers[i], least[i]) << role.id;
  }
}

TEST(ShareTest, RolesAndPrincipalsMayHaveOthers) {
  const std::vector<Shares::Change> changes = {{"submitter", "", {0, 1, 0, 3000, 0}},
                                               {"everybody", "", {2000, 0, 0, 0, 0}},
                                               {"", "cn:a@CA", {0, 0, 7, 5, 0}},
                                               {"", "spiffe://x/a/b", {9, 0, 0, 0, 0}},
                                               {"", "spiffe://x/a/*", {3, 0, 0, 0, 0}}};
  // A role's streams, but everybody's are more.
  EXPECT_EQ(Of(changes, {"submitter"}, "cn:b@CA"),
            (std::vector<int64_t>{2000, 16, 256, 3000, 5000000}));
  EXPECT_EQ(Of(changes, {"submitter"}), (std::vector<int64_t>{2000, 16, 7, 5, 5000000}));
  EXPECT_EQ(Of(changes, {}, "spiffe://x/a/b")[0], 9);
  EXPECT_EQ(Of(changes, {}, "spiffe://x/a/c")[0], 3);
}

TEST(ShareTest, IsWithoutBoundsUntilSomethingGivesIt) {
  EXPECT_EQ(Numbers(Share()), std::vector<int64_t>(kBounds, Share::kUnbounded));
}

}  // namespace
}  // namespace fiscal::authority
