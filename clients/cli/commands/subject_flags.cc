#include "clients/cli/commands/subject_flags.h"

#include "CLI/CLI.hpp"
#include "clients/cli/read/names.h"
#include "clients/cli/shell/bounds.h"
#include "clients/cli/shell/context.h"

namespace fiscal::cli {

void SubjectFlags::AddTo(CLI::App* command, const std::string& form_help) {
  command->add_option("--division", division, "Division code; its whole subtree unless narrowed");
  command->add_option("--year", year, "Fiscal year");
  command->add_option("--agency", agency, "Only this agency");
  command->add_option("--department", department, "Only this department");
  command->add_flag("--own-level", own_level, "Only the division's own level (本级)");
  command->add_option("--stage", stage, "What the amounts are")
      ->capture_default_str()
      ->check(Offered(StageNames()));
  command->add_option("--form", form, form_help);
  at.AddTo(command);
}

bool SubjectFlags::Fill(disclosure::v1::DisclosureSubject* subject,
                        aggregation::v1::Consistency* consistency) const {
  if (division.empty() || year == 0) {
    Usage("--division and --year say whose tables are meant");
    return false;
  }
  subject->set_division_code(division);
  subject->set_own_level(own_level);
  subject->set_department_code(department);
  subject->set_agency_code(agency);
  subject->set_fiscal_year(year);
  subject->set_form(form);
  const auto named = StageOf("--stage", stage);
  if (!named) return false;
  subject->set_stage(*named);
  return at.Fill(consistency);
}

}  // namespace fiscal::cli
