// What is to be permitted, written down by hand a second time: roles and their rights, what each
// method needs and names, and when a grant covers a place. Includes nothing of the product and asks
// it nothing, so that a fault there is not repeated here.
//
//   ask (a method, with what more it may ask) x role x extent x place x grain --> Expected
#ifndef FISCAL_TESTS_INTEGRATION_AUTHORITY_ORACLE_H_
#define FISCAL_TESTS_INTEGRATION_AUTHORITY_ORACLE_H_

#include <map>
#include <set>
#include <string>
#include <vector>

namespace fiscal::testing::oracle {

using Rights = std::set<std::string>;

// By the role's id; "" is who has no grant.
const std::map<std::string, Rights>& Roles();

// Where a question is asked, seen from division 141100, department 101, agency 101001, year 2024,
// stage APPROVED, which is "own".
struct Place {
  std::string name, division, department, agency;
  int year;
  std::string stage;
};
const std::vector<Place>& Places();

// How much of a place a question names.
enum class Grain { kBelow, kOwnLevel, kDepartment, kAgency };
const char* NameOf(Grain grain);

// What a grant is of; what is empty or 0 does not narrow it.
struct Extent {
  std::string name, division;
  bool own_level = false;
  std::string department, agency;
  int year = 0;
  std::string stage;
};
const std::vector<Extent>& Extents();

struct Ask {
  // "AggregationService/GetTotal", and what more is asked for.
  std::string method, variant;
  // The method's own right first.
  std::vector<std::string> rights;
  // What the request names, by letters:
  //   D division          l always of its own level      o its own level alone, if asked for
  //   U department        A agency    a agency, which needs READ_DETAIL too
  //   Y year              S stage
  //   E the event of the place, as what it states
  //   e nothing: whoever has the right anywhere is let in, and sees the events that he may
  // Nothing: it is about the system as a whole.
  std::string names;
  // The rest of the request, as protobuf's text. The first element of a repeated field is repeated
  // for each place.
  std::string rest;

  bool Names(char letter) const { return names.find(letter) != std::string::npos; }
  std::vector<Grain> grains() const;
};
const std::vector<Ask>& Asks();

struct Expected {
  // The rights of which one is said to be missing; none: he is let in.
  Rights missing;
  // Of streams of the log: that he gets the content of the place's event.
  bool seen = true;
};
// Of a question about all `places`.
Expected Expect(const std::string& role, const Extent& extent, const Ask& ask,
                const std::vector<Place>& places, Grain grain);

}  // namespace fiscal::testing::oracle

#endif  // FISCAL_TESTS_INTEGRATION_AUTHORITY_ORACLE_H_
