"""The checks of who may do what, each with the text that makes it and the text that leaves it out.

authority_mutations.py list            one line for each: number, file, what is left out
authority_mutations.py tests           the programs that are asked, one a line
authority_mutations.py tests N         those that should notice, in turn: program and filter
authority_mutations.py apply N         in the tree that is the current directory; fails when the text moved
authority_mutations.py check           that every text stands once in its file

What is left out is looked for as it stands, so that a change of the code that moves a check is seen here.
"""
import sys

DOMAIN = [('authority_test', '*')]
LEDGER = [('ledger_decide_test', 'AuthorityTest.*')]
RPC = [('rpc_test', 'GateTest.*:IdentitiesTest.*')]
TOKENS = [('rpc_test', 'TokenSealerTest.ATokenIsOf*:TokenSealerTest.Nothing*')]
MATRIX = [('authority_matrix_test', '*')]
CALLS = [('authority_integration_test', 'AuthorityTest.*:AuthorityModeTest.*')]
CONFIG = [('config_test', 'ConfigTest.*')]

# file, tests, [(what is left out, as it stands, without it)]
MUTATIONS = [
    ('services/rpc/gate.cc', RPC + MATRIX, [
        ('callers who are refused are told so', '''  FISCAL_RETURN_IF_ERROR(caller.refused);
  if (!on()) return absl::OkStatus();
  return parts_''', '''  if (!on()) return absl::OkStatus();
  return parts_'''),
        ('the first gate', 'return parts_.authority->MayEver(caller.principal, RuleOf(method).verb, share);',
         'return absl::OkStatus();'),
        ('the second gate', 'return Check(caller, *needs);', 'return absl::OkStatus();'),
        ('the parts of a need', 'parts_.authority->May(caller.principal, need.verb, need.parts, *catalog)',
         'parts_.authority->May(caller.principal, need.verb, {}, *catalog)'),
        ('rights that a request needs further',
         'if (Asks(further, request)) needs->push_back({further.verb, need.parts});',
         'Asks(further, request);'),
        ('what is asked without a division', 'if (need.parts.empty() && !narrowed) need.parts = std::move(unnamed);',
         '(void)narrowed;'),
        ('which methods are narrowed', 'narrowed = narrowed || scope.narrowed;', 'narrowed = true;'),
        ('what an event is about', 'parts->push_back(AboutEvent(header, payload).part);', '(void)parts;'),
        ('divisions below that are listed', 'part.own_level = v->number == 0;', 'part.own_level = v != nullptr;'),
        ('own levels', 'part.own_level = v->number != 0;', 'part.own_level = v != nullptr;'),
        ('that a certificate counts', 'caller.refused = principal.status();', ''),
    ]),
    ('services/rpc/gate.cc', CALLS, [
        ('the first gate, for streams that are open', '''  FISCAL_RETURN_IF_ERROR(MayCall(caller, method));
  // What is not''', '  // What is not'),
        ('the second gate, for streams that are open',
         'return enforced() ? Check(caller, needs) : absl::OkStatus();', 'return absl::OkStatus();'),
    ]),
    ('services/rpc/identities.cc', RPC, [
        ('one SPIFFE id', 'if (ids.size() > 1) return Refused("has several SPIFFE ids");\n  if (ids.size() == 1)',
         'if (!ids.empty())'),
        ('the form of a SPIFFE id', 'if (principal.empty()) return Refused("has a SPIFFE id that is malformed");',
         ''),
        ('authorities of other trust domains', 'if (!fault.empty()) return Refused(fault);', ''),
        ('authorities without a trust domain', 'if (ids.empty() && authorities == 1) return "";',
         'if (ids.empty()) return "";'),
        ('one DNS name', 'if (hosts.size() > 1) return Refused("has several DNS names and no SPIFFE id");', ''),
        ('a common name', 'if (hosts.empty() && names.size() != 1)\n    return Refused(',
         'if (hosts.empty() && names.empty()) return "cn:@";\n  if (hosts.empty() && names.size() > 1)\n    '
         'return Refused('),
        ('names that no principal has',
         'if (principal.empty()) return Refused("has a name that no principal can have");',
         ''),
        ('a certificate', 'if (certificate.empty()) return Refused("is missing");',
         'if (certificate.empty()) return std::string(authority::kAnonymous);'),
        ('authorities', 'if (trust == nullptr) return Refused("can\'t be judged: there are no authorities");',
         'if (trust == nullptr) return std::string(authority::kAnonymous);'),
        ('the end of a certificate',
         'if (verdict->principal.ok() && clock_.Now() > verdict->not_after) return Refused("has expired");',
         ''),
        ('a certificate that can be read',
         'if (leaf.empty()) return {Refused("can\'t be read"), absl::InfiniteFuture()};',
         'if (leaf.empty()) return {std::string(authority::kAnonymous), absl::InfiniteFuture()};'),
        ('the chain to an authority', 'if (X509_verify_cert(context.get()) != 1) {',
         'if (X509_verify_cert(context.get()) < -1000) {'),
        ('lists of revoked certificates', 'if (i + 1 < size && trust.Revoked(c, sk_X509_value(verified, i + 1)))',
         'if (i + 1 < 0 && trust.Revoked(c, sk_X509_value(verified, i + 1)))'),
        ('the signature of a list', 'if (X509_CRL_verify(list.get(), X509_get0_pubkey(issuer)) == 1 &&',
         'if (issuer != nullptr &&'),
        ('what other authorities judged is forgotten', '  verdicts_.clear();\n  warned_', '  warned_'),
        ('junk in place of authorities', '''  if (read.all.empty() || !read.whole)
    return absl::InvalidArgumentError("not whole certificates of authorities in PEM");''', ''),
        ('junk in place of a list', '''  if (trust->lists.empty() || !openssl::ReadToTheEnd())
    return absl::InvalidArgumentError("no whole list of revoked certificates in PEM");''', ''),
    ]),
    ('services/rpc/token_sealer.cc', TOKENS, [
        ('the MAC', 'if (CRYPTO_memcmp(own.data(), mac.data(), kMacBytes) != 0) return std::nullopt;', '(void)mac;'),
        ('whose a token is', '{binding.principal, binding.method, binding.question}',
         '{absl::string_view(), binding.method, binding.question}'),
        ('the method of a token', '{binding.principal, binding.method, binding.question}',
         '{binding.principal, absl::string_view(), binding.question}'),
        ('the question of a token', '{binding.principal, binding.method, binding.question}',
         '{binding.principal, binding.method, absl::string_view()}'),
        ('where a part of a binding ends', '    PutU64(&bytes, part.size());\n', ''),
    ]),
    ('services/rpc/call.cc', CALLS + MATRIX, [
        ('streams that are looked at again', 'if (still.ok()) continue;', 'if (still.ok() || !still.ok()) continue;'),
    ]),
    ('services/rpc/service.h', MATRIX, [
        ('the second gate, of answers', '''              if (status.ok()) status = call->MayAsk(call->request);
''', ''),
        ('the second gate, of streams', '''              if (status.ok()) status = call->MayAsk(request);
              call->WriteDown(status);''', '              call->WriteDown(status);'),
    ]),
    ('services/ledger/authority.cc', LEDGER + RPC + MATRIX, [
        ('that a right is had at all', 'if (!rights.Has(verb)) return Denied(principal, verb, parts.empty() ? "" : TextOf(parts[0]));', ''),
        ('that each part is covered',
         'if (!rights.Covers(verb, part, catalog)) return Denied(principal, verb, TextOf(part));',
         '(void)part;'),
        ('the grants that permit', 'return authority::Permits(grant.event, verb, part, catalog);', 'return true;'),
        ('that grants change', 'if (operators != seen_) {', 'if (seen_ == nullptr) {'),
        ('who is an administrator', 'if (admin) roles.push_back(kSecurityAdmin);',
         'roles.push_back(kSecurityAdmin);'),
        ('the refusal', 'if (options_.mode == Mode::kEnforce) return status;', ''),
    ]),
    ('services/ledger/decide/permitted.cc', LEDGER, [
        ('to write and to validate',
         'FISCAL_RETURN_IF_ERROR(may(s.validate_only ? Verb::kValidate : Verb::kWrite));', ''),
        ('to certify', 'if (s.certify) FISCAL_RETURN_IF_ERROR(may(Verb::kCertify));', ''),
        ('to control', 'if (s.control) FISCAL_RETURN_IF_ERROR(may(Verb::kControl));', ''),
        ('the parts of a reallocation',
         '''  for (const domain::Submission& part : r.parts)
    FISCAL_RETURN_IF_ERROR(Permitted(authority, part, standing));''', ''),
        ('lists', 'return authority.May(import.principal, Verb::kWriteCatalog, places, standing.catalog);',
         'return absl::OkStatus();'),
        ('divisions that a list of divisions names',
         'if (year != 0) places.push_back({code, false, "", "", year});', ''),
        ('divisions that it adds to, or moves to',
         'if (!stays && !begins) places.push_back({Known(parent), false, "", "", event_.year});', '(void)begins, (void)stays;'),
        ('trees that it begins', ' && code == event_.division && code % 10000 == 0;', ';'),
        ('statements with faults', '(!HasKey(s.key) && !s.violations.empty())',
         '((!HasKey(s.key) || true) && !s.violations.empty())'),
        ('lists with faults', '(event.division == 0 && !import.violations.empty())', '!import.violations.empty()'),
        ('orders', '  return authority.MayEver(principal, verb);', '  return absl::OkStatus();'),
        ('to grant', '''const domain::GrantOrder& order,
                       const Standing&) {
  return MayOrder(authority, order.principal, Verb::kGrant);''', '''const domain::GrantOrder&,
                       const Standing&) {
  return absl::OkStatus();'''),
        ('to approve', '''const domain::ApprovalOrder& order,
                       const Standing&) {
  return MayOrder(authority, order.principal, Verb::kGrant);''', '''const domain::ApprovalOrder&,
                       const Standing&) {
  return absl::OkStatus();'''),
        ('to revoke', '''const domain::RevocationOrder& order,
                       const Standing&) {
  return MayOrder(authority, order.principal, Verb::kGrant);''', '''const domain::RevocationOrder&,
                       const Standing&) {
  return absl::OkStatus();'''),
        ('to quarantine', '''const domain::QuarantineOrder& order,
                       const Standing&) {
  return MayOrder(authority, order.principal, Verb::kOperate);''', '''const domain::QuarantineOrder&,
                       const Standing&) {
  return absl::OkStatus();'''),
        ('to change the key', '''const domain::KeyOrder& order, const Standing&) {
  return MayOrder(authority, order.principal, Verb::kOperate);''', '''const domain::KeyOrder&, const Standing&) {
  return absl::OkStatus();'''),
        ('to accept the clock', '''const domain::ClockOrder& order,
                       const Standing&) {
  return MayOrder(authority, order.principal, Verb::kOperate);''', '''const domain::ClockOrder&,
                       const Standing&) {
  return absl::OkStatus();'''),
    ]),
    ('services/ledger/decide/intake.cc', LEDGER, [
        ('what is decided is permitted', '''          if (authority_ != nullptr)
            FISCAL_RETURN_IF_ERROR(Permitted(*authority_, r, group.standing()));
''', ''),
    ]),
    ('services/ledger/decide/grant_orders.cc', LEDGER, [
        ('a grant to oneself', '''  if (authority::Matches(order.event.principal, order.principal))
    return Refuse(Reason::kSecondPersonNeeded, "nobody grants a role to himself");
''', ''),
        ('the form of a principal', '} else if (!authority::IsPrincipalPattern(event.principal)) {',
         '} else if (event.principal.empty()) {'),
        ('the division of units',
         'if (e.division == 0 && (e.own_level || !e.departments.empty() || !e.agencies.empty())) {',
         'if (e.division == 0 && false) {'),
        ('grants that are pending', 'if (grant->StateAt(Position::Max()) != Grant::State::kPending) {',
         'if (false) {'),
        ('approval by who granted', '''grant->granted.principal == order.principal ||
      ''', ''),
        ('approval by who gets it', ''' ||
      authority::Matches(grant->event.principal, order.principal)''', ''),
    ]),
    ('services/ledger/compare/visible.cc', LEDGER, [
        ('the part of an event', 'if (rights.Covers(verb, event.part, catalog)) return true;', 'return true;'),
        ('lists of agencies', 'return list != CatalogList::kNone && list != CatalogList::kAgency;',
         'return list != CatalogList::kNone;'),
        ('the right to see a list', 'if (!authority::FindRole(grant.event.role)->verbs.Has(verb)) return false;', ''),
        ('lists of other divisions',
         'return std::find(chain.begin(), chain.end(), event.part.division) != chain.end();',
         'return !chain.empty();'),
    ]),
    ('services/log/log_view.h', CALLS, [
        ('that an event is seen', 'MaySee(*rights, verb_, AboutEvent(header, payload), *catalog);', 'true;'),
    ]),
    ('services/log/log_rpc.cc', CALLS, [
        ('records that are not seen',
         'if (!view.Sees(header, payload)) {', 'if (!view.Sees(header, payload) && false) {'),
    ]),
    ('services/federation/federation_rpc.cc', CALLS, [
        ('postings that are not seen',
         'if (!view.Sees(header, payload)) {', 'if (!view.Sees(header, payload) && false) {'),
    ]),
    ('domain/authority/grants.cc', DOMAIN, [
        ('the years of a grant', '''                      : (extent.year_from != 0 && asked.year < extent.year_from) ||
                            (extent.year_to != 0 && asked.year > extent.year_to)) {''',
         '                      : false) {'),
        ('all years', 'asked.year == 0 ? extent.year_from != 0 || extent.year_to != 0\n', 'asked.year == 0 ? false\n'),
        ('stages', 'return CoversStages(extent, asked) && ', 'return (CoversStages(extent, asked) || true) && '),
        ('all stages', 'if (a.stage == Stage::kNone) return false;', 'if (a.stage == Stage::kNone) return true;'),
        ('each of several stages', 'return std::all_of(stages.begin(), stages.end(), [&](Stage s)',
         'return std::any_of(stages.begin(), stages.end(), [&](Stage s)'),
        ('the division', '&& CoversDivision(extent, asked, catalog) &&',
         '&& (CoversDivision(extent, asked, catalog) || true) &&'),
        ('divisions below, of an own level',
         'return !e.own_level || a.own_level || !a.department.empty() || !a.agency.empty();',
         'return true;'),
        ('own levels and all divisions', 'if (e.own_level || a.division == 0) return false;',
         'if (a.division == 0) return false;'),
        ('units below', 'if (!e.departments.empty() || !e.agencies.empty()) return false;', ''),
        ('trees of other years', 'if (!IsBelow(division, above, key.year, catalog)) return false;',
         'if (!IsBelow(division, above, key.year, catalog)) continue;'),
        ('units', '''&&
         CoversUnits(extent, asked, catalog);''', '''&&
         (CoversUnits(extent, asked, catalog) || true);'''),
        ('a question about a whole division',
         'if (a.agency.empty()) return !a.department.empty() && Contains(e.departments, a.department);',
         'if (a.agency.empty()) return a.department.empty() || Contains(e.departments, a.department);'),
        ('which department',
         'if (a.agency.empty()) return !a.department.empty() && Contains(e.departments, a.department);',
         'if (a.agency.empty()) return !a.department.empty();'),
        ('the departments that the catalog says',
         'if (departments.empty() && !a.department.empty()) departments.push_back(a.department);',
         'if (!a.department.empty()) departments = {a.department};'),
        ('agencies of no department', 'return !departments.empty() &&\n         std::all_of(', 'return std::all_of('),
        ('each of several departments', '''std::all_of(departments.begin(), departments.end(),
                     [&]''', '''std::any_of(departments.begin(), departments.end(),
                     [&]'''),
        ('two persons for a province', '(e.division % 10000 == 0 && ', '(e.division % 10000 == 1 && '),
        ('two persons always', 'return role->two_persons == TwoPersons::kAlways;', 'return false;'),
        ('the approval', 'if (needs_approval && !(approved && approved.position <= at)) return State::kPending;', ''),
        ('the revocation', 'if (revoked && revoked.position <= at) return State::kRevoked;', ''),
        ('whose a grant is', '''grant.StateAt(Position::Max()) == Grant::State::kActive &&
        Matches(grant.event.principal, principal)''', 'grant.StateAt(Position::Max()) == Grant::State::kActive'),
        ('that a grant is in force', '''grant.StateAt(Position::Max()) == Grant::State::kActive &&
        Matches(''', 'Matches('),
    ]),
    ('domain/authority/grants.cc', LEDGER + MATRIX, [
        ('the right of the grant that covers', 'if (role == nullptr || !role->verbs.Has(verb)) return false;',
         'if (role == nullptr) return false;'),
        ('the extent of the grant that has the right',
         'if (verb != Verb::kReadCatalog) return Covers(grant.extent, part, catalog);',
         'if (verb != Verb::kReadCatalog) return true;'),
        ('lists below, for units',
         'extent.own_level = extent.own_level || !extent.departments.empty() || !extent.agencies.empty();', ''),
        ('the extent of lists', 'return Covers(extent, part, catalog);', 'return true;'),
    ]),
    ('services/rpc/gate.cc', CALLS + MATRIX, [
        ('what an answer is narrowed to',
         'return parts_.authority->Of(caller.principal)->Covers(verb, part, *parts_.catalog());',
         'return true;'),
    ]),
    ('domain/authority/principal.cc', DOMAIN, [
        ('a principal\'s length', 'uri.size() > kPrincipalBytesMax || ', ''),
        ('a path', 'parts.size() < 2 || ', ''),
        ('the form of a trust domain', '!IsTrustDomain(parts[0]) ||', '(!IsTrustDomain(parts[0]) && false) ||'),
        ('dots in a path', 'text != "." && text != ".." &&', ''),
        ('who vouches', 'if (!IsName(name) || !IsName(issuer)) return "";', 'if (!IsName(issuer)) return "";'),
        ('names of authorities', 'if (!IsName(name) || !IsName(issuer)) return "";', 'if (!IsName(name)) return "";'),
        ('what a pattern stands below', 'return !SpiffePrincipal(absl::StrCat(path, "/x")).empty();', 'return true;'),
        ('the path of a pattern', 'absl::ConsumeSuffix(&pattern, "*") && absl::EndsWith(pattern, "/") &&',
         'absl::ConsumeSuffix(&pattern, "/*") &&'),
    ]),
    ('domain/authority/role.cc', DOMAIN + MATRIX, [
        ('rights that an extent narrows',
         '    case Verb::kOperate:\n', '    case Verb::kOperate:\n    case Verb::kReadDetail:\n'),
        ('when a grant takes two', 'if (text == "division") return TwoPersons::kDivision;',
         'if (text == "division") return TwoPersons::kNever;'),
    ]),
    ('services/server.cc', CALLS, [
        ('the mode', 'mode == "enforce" ? Authority::Mode::kEnforce', 'mode == "enforce" ? Authority::Mode::kLog'),
    ]),
    ('services/server/writer.cc', CALLS, [
        ('the authority of what is decided', 'CheckRules, &authority, ', 'CheckRules, nullptr, '),
    ]),
    ('services/server/edge.cc', CALLS, [
        ('callers\' certificates', 'if (!tls.client_ca_file().empty()) {\n    identities_ =',
         'if (tls.client_ca_file() == "-") {\n    identities_ ='),
        ('that rights are looked at again', 'somebody_told_ = calls_->LookAgain();', ''),
        ('that revoked certificates are looked at again', 'identities_ != nullptr && identities_->Refresh()', 'false'),
        ('that shapes are not told', 'if (gate_.authority()->mode() != Authority::Mode::kEnforce)\n', ''),
    ]),
    ('services/rpc/credentials.cc', CALLS, [
        ('certificates that the handshake asks for', ': GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY',
         ': GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE'),
    ]),
    ('services/config/config.cc', CONFIG, [
        ('the mode where there are certificates', 'client_ca_file().empty() ? "off" : "enforce";',
         'client_ca_file().empty() ? "off" : "log";'),
    ]),
    ('services/config/check.cc', CONFIG, [
        ('grants where there are certificates',
         'if (AuthorityModeOf(server) == "off" && !server.tls().client_ca_file().empty() &&',
         'if (AuthorityModeOf(server) == "none" && !server.tls().client_ca_file().empty() &&'),
        ('administrators that are principals', 'if (!authority::IsPrincipalPattern(principal) || ', 'if ('),
        ('administrators by a pattern', 'absl::EndsWith(principal, "*") ||', ''),
        ('an anonymous administrator', ' ||\n        principal == authority::kAnonymous', ''),
    ]),
]


def flat():
    for path, tests, cases in MUTATIONS:
        for what, old, new in cases:
            yield path, tests, what, old, new


def main():
    all_ = list(flat())
    verb, number = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else None
    if verb == 'list':
        for i, (path, _, what, _, _) in enumerate(all_):
            print(i, path, what)
    elif verb == 'tests' and number is None:
        print('\n'.join(sorted({program for _, tests, *_ in all_ for program, _ in tests})))
    elif verb == 'tests':
        for program, names in all_[number][1]:
            print(program, names)
    elif verb in ('apply', 'check'):
        moved = 0
        for path, _, what, old, new in all_ if number is None else [all_[number]]:
            with open(path, encoding='utf-8') as file:
                text = file.read()
            if text.count(old) != 1:
                moved = 1
                print(f'{path}: the check of "{what}" stands {text.count(old)} times, not once', file=sys.stderr)
            elif verb == 'apply':
                with open(path, 'w', encoding='utf-8') as file:
                    file.write(text.replace(old, new))
        sys.exit(moved)
    else:
        sys.exit(__doc__)


if __name__ == '__main__':
    main()
