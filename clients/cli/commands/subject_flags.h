// The flags that say whose tables are meant; the same for printing and for checking them.
#ifndef FISCAL_CLIENTS_CLI_COMMANDS_SUBJECT_FLAGS_H_
#define FISCAL_CLIENTS_CLI_COMMANDS_SUBJECT_FLAGS_H_

#include <string>

#include "clients/cli/commands/filter_flags.h"
#include "fiscal/disclosure/v1/disclosure_service.pb.h"

namespace fiscal::cli {

struct SubjectFlags {
  std::string division, department, agency, stage = "approved", form;
  int year = 0;
  bool own_level = false;
  ConsistencyFlags at;

  // Adds the options; `this` must outlive the parse. `form_help` says what it is without --form.
  void AddTo(CLI::App* command, const std::string& form_help);
  // False, having said why, when a flag is missing or makes no sense.
  bool Fill(disclosure::v1::DisclosureSubject* subject,
            aggregation::v1::Consistency* consistency) const;
};

}  // namespace fiscal::cli

#endif  // FISCAL_CLIENTS_CLI_COMMANDS_SUBJECT_FLAGS_H_
