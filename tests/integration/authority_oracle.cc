#include "tests/integration/authority_oracle.h"

namespace fiscal::testing::oracle {
namespace {

// The tree of the tests: 141121 is below 141100, which is below 140000 as 142300 is.
bool IsWithin(const std::string& division, const std::string& above) {
  if (division == above || above == "140000") return true;
  return division == "141121" && above == "141100";
}

// Rights about the system as a whole; no extent narrows them.
bool IsSystems(const std::string& right) {
  return right == "OPERATE" || right == "GRANT" || right == "READ_GRANTS" ||
         right == "READ_AUDIT" || right == "IDENTIFY";
}

// What a question names of a place; what it does not name, it asks about whole.
struct Part {
  std::string division;
  bool own_level = false;
  std::string department, agency;
  int year = 0;
  std::string stage;
};

Part PartOf(const Ask& ask, const Place& place, Grain grain) {
  const bool event = ask.Names('E') || ask.Names('e');
  Part part;
  if (ask.Names('D') || event) part.division = place.division;
  part.own_level = ask.Names('l') || event || grain == Grain::kOwnLevel;
  if (grain == Grain::kDepartment) part.department = place.department;
  if (grain == Grain::kAgency) {
    part.agency = place.agency;
    // By the catalog.
    part.department = place.department;
  }
  if (ask.Names('Y') || event) part.year = place.year;
  if (ask.Names('S') || event) part.stage = place.stage;
  return part;
}

bool Covers(const Extent& extent, const Part& part, Grain grain) {
  if (extent.year != 0 && part.year != extent.year) return false;
  if (!extent.stage.empty() && part.stage != extent.stage) return false;
  if (extent.division.empty()) return true;
  const bool of_units = !extent.department.empty() || !extent.agency.empty();
  // A unit's code is another unit's elsewhere, below too.
  if (of_units || extent.own_level) {
    if (part.division != extent.division) return false;
  } else if (!IsWithin(part.division, extent.division)) {
    return false;
  }
  if (!extent.agency.empty()) return grain == Grain::kAgency && part.agency == extent.agency;
  if (!extent.department.empty()) return part.department == extent.department;
  return !extent.own_level || part.own_level || grain == Grain::kDepartment ||
         grain == Grain::kAgency;
}

// Who may see something in a division may read the lists of it, which are of all its units and of
// all stages.
Extent ForLists(Extent extent) {
  extent.own_level = extent.own_level || !extent.department.empty() || !extent.agency.empty();
  extent.department.clear();
  extent.agency.clear();
  extent.stage.clear();
  return extent;
}

}  // namespace

const std::map<std::string, Rights>& Roles() {
  static const auto* roles = new std::map<std::string, Rights>{
      {"", {}},
      {"submitter",
       {"WRITE", "VALIDATE", "READ_DETAIL", "LIST", "READ_AGGREGATE", "READ_STATUS",
        "READ_DISCLOSURE", "READ_CATALOG"}},
      {"reviewer",
       {"CERTIFY", "CONTROL", "WRITE", "VALIDATE", "READ_DETAIL", "LIST", "READ_AGGREGATE",
        "READ_STATUS", "READ_DISCLOSURE", "READ_CATALOG"}},
      {"reader", {"READ_AGGREGATE", "READ_STATUS", "READ_CATALOG"}},
      {"detail-reader",
       {"READ_DETAIL", "LIST", "READ_AGGREGATE", "READ_STATUS", "READ_DISCLOSURE", "READ_CATALOG"}},
      {"consumer",
       {"ROLL_UP", "RECONCILE", "READ_AGGREGATE", "READ_STATUS", "READ_CATALOG", "WITNESS"}},
      {"witness", {"WITNESS"}},
      {"auditor",
       {"READ_DETAIL", "LIST", "READ_AGGREGATE", "READ_STATUS", "READ_DISCLOSURE", "READ_CATALOG",
        "WITNESS", "READ_AUDIT", "READ_GRANTS"}},
      {"catalog-owner", {"WRITE_CATALOG", "READ_CATALOG"}},
      {"replica", {"REPLICATE", "WITNESS"}},
      {"operator", {"OPERATE", "WITNESS", "READ_GRANTS"}},
      {"security-admin", {"GRANT", "READ_GRANTS"}},
      {"audit-admin", {"READ_AUDIT", "READ_GRANTS"}}};
  return *roles;
}

const std::vector<Place>& Places() {
  static const auto* places =
      new std::vector<Place>{{"own", "141100", "101", "101001", 2024, "APPROVED"},
                             {"sibling", "141100", "102", "102001", 2024, "APPROVED"},
                             {"parent", "140000", "101", "101001", 2024, "APPROVED"},
                             {"child", "141121", "101", "101001", 2024, "APPROVED"},
                             {"other division", "142300", "101", "101001", 2024, "APPROVED"},
                             {"other year", "141100", "101", "101001", 2025, "APPROVED"},
                             {"other stage", "141100", "101", "101001", 2024, "EXECUTED"}};
  return *places;
}

const char* NameOf(Grain grain) {
  switch (grain) {
    case Grain::kBelow:
      return "with those below";
    case Grain::kOwnLevel:
      return "own level";
    case Grain::kDepartment:
      return "department";
    case Grain::kAgency:
      return "agency";
  }
  return "";
}

const std::vector<Extent>& Extents() {
  static const auto* extents =
      new std::vector<Extent>{{"department", "141100", false, "101", "", 2024, "APPROVED"},
                              {"agency", "141100", false, "", "101001", 2024, "APPROVED"},
                              {"division", "141100", false, "", "", 2024, "APPROVED"},
                              {"own level", "141100", true, "", "", 0, ""},
                              {"everything", "", false, "", "", 0, ""}};
  return *extents;
}

std::vector<Grain> Ask::grains() const {
  // Who names an agency always, as the key of a budget does, has no other grain.
  if (Names('l') && (Names('A') || Names('a'))) return {Grain::kAgency};
  if (Names('E') || Names('e')) return {Grain::kAgency};
  std::vector<Grain> grains = {Names('l') ? Grain::kOwnLevel : Grain::kBelow};
  if (Names('o')) grains.push_back(Grain::kOwnLevel);
  if (Names('U')) grains.push_back(Grain::kDepartment);
  if (Names('A') || Names('a')) grains.push_back(Grain::kAgency);
  return grains;
}

const std::vector<Ask>& Asks() {
  const std::string total = "filter { direction: DIRECTION_EXPENDITURE }";
  const std::string sides = "left { " + total + " } right { " + total + " }";
  // Refused for it when let in, so that nothing changes.
  const std::string stale = "request_id: \"matrix\" expected_revision: 99";
  static const auto* asks = new std::vector<Ask>{
      {"AdminService/GetStatus", "", {"OPERATE"}, "", ""},
      {"AdminService/Verify", "", {"OPERATE"}, "", ""},
      {"AdminService/Scrub", "", {"OPERATE"}, "", ""},
      {"AdminService/Quarantine", "", {"OPERATE"}, "", "position: \"1\""},
      {"AdminService/AcceptClock", "", {"OPERATE"}, "", ""},
      {"AdminService/RotateSigningKey", "", {"OPERATE"}, "", ""},

      {"AggregationService/GetTotal", "", {"READ_AGGREGATE"}, "DoUaYS", total},
      {"AggregationService/GetTotal",
       "coverage",
       {"READ_AGGREGATE", "READ_STATUS"},
       "DoUaYS",
       total + " coverage: true"},
      {"AggregationService/GetTotal",
       "project",
       {"READ_AGGREGATE", "READ_DETAIL"},
       "DoUaYS",
       "filter { direction: DIRECTION_EXPENDITURE project_code: \"p\" }"},
      {"AggregationService/BatchGetTotals",
       "",
       {"READ_AGGREGATE"},
       "DoUaYS",
       "filters { direction: DIRECTION_EXPENDITURE }"},
      {"AggregationService/BatchGetTotals",
       "project",
       {"READ_AGGREGATE", "READ_DETAIL"},
       "DoUaYS",
       "filters { direction: DIRECTION_EXPENDITURE project_code: \"p\" }"},
      {"AggregationService/ListTotals",
       "",
       {"READ_AGGREGATE"},
       "DoUaYS",
       total + " group_by { dimension: DIMENSION_FUNCTIONAL depth: 9 } page_size: 1"},
      {"AggregationService/ListTotals",
       "by agency",
       {"READ_AGGREGATE", "READ_DETAIL"},
       "DoUaYS",
       total + " group_by { dimension: DIMENSION_AGENCY } page_size: 1"},
      {"AggregationService/ListTotals",
       "by project",
       {"READ_AGGREGATE", "READ_DETAIL"},
       "DoUaYS",
       total + " group_by { dimension: DIMENSION_PROJECT } page_size: 1"},
      {"AggregationService/ListTotals",
       "project",
       {"READ_AGGREGATE", "READ_DETAIL"},
       "DoUaYS",
       "filter { direction: DIRECTION_EXPENDITURE project_code: \"p\" } "
       "group_by { dimension: DIMENSION_FUNCTIONAL }"},
      {"AggregationService/ListTotals",
       "coverage",
       {"READ_AGGREGATE", "READ_STATUS"},
       "DoUaYS",
       total + " group_by { dimension: DIMENSION_FUNCTIONAL } coverage: true"},
      {"AggregationService/CompareTotals",
       "",
       {"READ_AGGREGATE"},
       "DoUaYS",
       sides + " group_by { dimension: DIMENSION_FUNCTIONAL depth: 9 } page_size: 1"},
      {"AggregationService/CompareTotals",
       "by agency",
       {"READ_AGGREGATE", "READ_DETAIL"},
       "DoUaYS",
       sides + " group_by { dimension: DIMENSION_AGENCY }"},
      {"AggregationService/CompareTotals",
       "project on the left",
       {"READ_AGGREGATE", "READ_DETAIL"},
       "DoUaYS",
       "left { filter { project_code: \"p\" } }"},
      {"AggregationService/CompareTotals",
       "project on the right",
       {"READ_AGGREGATE", "READ_DETAIL"},
       "DoUaYS",
       "right { filter { project_code: \"p\" } }"},
      {"AggregationService/ExplainTotal",
       "",
       {"READ_DETAIL"},
       "DoUAYS",
       total + " line_items: true page_size: 1"},
      {"AggregationService/ExplainChange", "", {"READ_DETAIL"}, "DoUAYS", sides},
      {"AggregationService/GetCoverage", "", {"READ_STATUS"}, "DoUYS", "page_size: 1"},
      {"AggregationService/GetConsolidatedTotal",
       "",
       {"READ_AGGREGATE"},
       "DYS",
       "direction: DIRECTION_EXPENDITURE"},
      {"AggregationService/WatchTotals",
       "",
       {"READ_AGGREGATE"},
       "DoUaYS",
       "filters { " + total + " }"},
      {"AggregationService/WatchTotals",
       "by agency",
       {"READ_AGGREGATE", "READ_DETAIL"},
       "DoUaYS",
       "filters { " + total + " group_by { dimension: DIMENSION_AGENCY } }"},
      {"AggregationService/WatchTotals",
       "project",
       {"READ_AGGREGATE", "READ_DETAIL"},
       "DoUaYS",
       "filters { filter { direction: DIRECTION_EXPENDITURE project_code: \"p\" } }"},

      {"AuditService/List", "", {"READ_AUDIT"}, "", "page_size: 1"},
      {"AuditService/GetAuditHead", "", {"READ_AUDIT"}, "", ""},

      {"AuthorityService/Grant", "", {"GRANT"}, "", "role: \"none\""},
      {"AuthorityService/ApproveGrant", "", {"GRANT"}, "", "grant_id: 1000000"},
      {"AuthorityService/RevokeGrant", "", {"GRANT"}, "", "grant_id: 1000000"},
      {"AuthorityService/ListGrants", "", {"READ_GRANTS"}, "", "page_size: 1"},
      {"AuthorityService/WhoAmI", "", {"IDENTIFY"}, "", ""},
      {"AuthorityService/Explain", "", {"READ_GRANTS"}, "", ""},

      {"CatalogService/ImportCatalog",
       "agencies",
       {"WRITE_CATALOG"},
       "DlY",
       "request_id: \"matrix\" list: CATALOG_LIST_AGENCY"},
      {"CatalogService/ImportCatalog",
       "functional",
       {"WRITE_CATALOG"},
       "DY",
       "request_id: \"matrix\" list: CATALOG_LIST_FUNCTIONAL"},
      {"CatalogService/ImportCatalog",
       "divisions",
       {"WRITE_CATALOG"},
       "DY",
       "request_id: \"matrix\" list: CATALOG_LIST_DIVISION"},
      {"CatalogService/ListDivisions", "", {"READ_CATALOG"}, "DlY", "page_size: 1"},
      // Answered with those that he may see.
      {"CatalogService/ListDivisions", "of all", {"READ_CATALOG"}, "", "fiscal_year: 2024"},
      {"CatalogService/ListAgencies", "of all", {"READ_CATALOG"}, "", "fiscal_year: 2024"},
      {"CatalogService/ListAgencies", "", {"READ_CATALOG"}, "DlUY", "page_size: 1"},
      {"CatalogService/ListClassifications",
       "",
       {"READ_CATALOG"},
       "DlY",
       "list: CATALOG_LIST_FUNCTIONAL page_size: 1"},

      {"DisclosureService/GetTables", "", {"READ_DISCLOSURE"}, "DoUAYS", ""},
      {"DisclosureService/CheckDisclosure", "", {"READ_DISCLOSURE"}, "DoUAYS", ""},

      {"FederationService/ReadPostings", "", {"ROLL_UP"}, "e", ""},
      {"FederationService/GetUpstreams", "", {"OPERATE"}, "", ""},
      {"FederationService/GetDigests", "", {"RECONCILE"}, "DAYS", ""},
      {"FederationService/Reconcile", "", {"OPERATE"}, "", "upstream: \"none\""},

      {"EventLogService/Read", "", {"REPLICATE"}, "e", "until_head: true"},
      {"EventLogService/GetTreeHead", "", {"WITNESS"}, "", ""},
      {"EventLogService/GetKeys", "", {"WITNESS"}, "", ""},
      {"EventLogService/GetInclusionProof", "", {"WITNESS"}, "E", ""},
      {"EventLogService/GetConsistencyProof", "", {"WITNESS"}, "", ""},

      {"SubmissionService/SubmitBudget", "", {"WRITE"}, "DlAYS", stale},
      {"SubmissionService/SubmitBudget",
       "certify",
       {"WRITE", "CERTIFY"},
       "DlAYS",
       stale + " certify: true"},
      {"SubmissionService/SubmitBudget",
       "control",
       {"WRITE", "CONTROL"},
       "DlAYS",
       stale + " control: true"},
      // Nothing is written, but the method is one that writes.
      {"SubmissionService/SubmitBudget",
       "validate only",
       {"WRITE", "VALIDATE"},
       "DlAYS",
       stale + " validate_only: true"},
      {"SubmissionService/StreamBudgets", "", {"WRITE"}, "DlAYS", "budget { " + stale + " }"},
      {"SubmissionService/StreamBudgets",
       "certify",
       {"WRITE", "CERTIFY"},
       "DlAYS",
       "budget { " + stale + " certify: true }"},
      {"SubmissionService/StreamBudgets",
       "control",
       {"WRITE", "CONTROL"},
       "DlAYS",
       "budget { " + stale + " control: true }"},
      {"SubmissionService/ValidateBudget", "", {"VALIDATE"}, "DlAYS", "budget { " + stale + " }"},
      {"SubmissionService/ValidateBudget",
       "certify",
       {"VALIDATE", "CERTIFY"},
       "DlAYS",
       "budget { " + stale + " certify: true }"},
      {"SubmissionService/ValidateBudget",
       "control",
       {"VALIDATE", "CONTROL"},
       "DlAYS",
       "budget { " + stale + " control: true }"},
      {"SubmissionService/GetBudget", "", {"READ_DETAIL"}, "DlAYS", ""},
      {"SubmissionService/ListBudgets", "", {"LIST"}, "DoUYS", "page_size: 1"},
      {"SubmissionService/ListLineItems", "", {"READ_DETAIL"}, "DlAYS", "page_size: 1"},
      {"SubmissionService/ListProjects", "", {"READ_DETAIL"}, "DlAYS", "page_size: 1"},
      {"SubmissionService/SubmitReallocation",
       "",
       {"WRITE"},
       "DlAYS",
       "request_id: \"matrix\" budgets { expected_revision: 99 }"},
      {"SubmissionService/SubmitReallocation",
       "certify",
       {"WRITE", "CERTIFY"},
       "DlAYS",
       "request_id: \"matrix\" budgets { expected_revision: 99 certify: true }"},
      {"SubmissionService/SubmitReallocation",
       "control",
       {"WRITE", "CONTROL"},
       "DlAYS",
       "request_id: \"matrix\" budgets { expected_revision: 99 control: true }"},
      {"SubmissionService/WithdrawBudget", "", {"WRITE"}, "DlAYS", stale}};
  return *asks;
}

Expected Expect(const std::string& role, const Extent& extent, const Ask& ask,
                const std::vector<Place>& places, Grain grain) {
  const Rights& has = Roles().at(role);
  Expected expected;
  const std::string& own = ask.rights[0];
  // The first gate, which looks at nothing of the request.
  if (own != "IDENTIFY" && has.count(own) == 0) {
    expected.missing.insert(own);
    return expected;
  }
  if (IsSystems(own) || ask.names.empty()) return expected;
  const auto covers = [&](const std::string& right) {
    if (has.count(right) == 0) return false;
    for (const Place& place : places) {
      const Extent counts = right == "READ_CATALOG" ? ForLists(extent) : extent;
      if (!Covers(counts, PartOf(ask, place, grain), grain)) return false;
    }
    return true;
  };
  if (ask.Names('e')) {
    expected.seen = covers(own);
    return expected;
  }
  std::vector<std::string> rights = ask.rights;
  if (ask.Names('a') && grain == Grain::kAgency) rights.push_back("READ_DETAIL");
  for (const std::string& right : rights) {
    // Who only validates writes nowhere.
    if (right == "WRITE" && ask.variant == "validate only") continue;
    if (!covers(right)) expected.missing.insert(right);
  }
  return expected;
}

}  // namespace fiscal::testing::oracle
