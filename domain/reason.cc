#include "domain/reason.h"

#include <algorithm>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/coding.h"
#include "base/text.h"

namespace fiscal::domain {
namespace {

// Names the bytes that a status carries a refusal as. They stay inside the process: callers get a
// google.rpc.Status (services/rpc/status.cc), and nothing stores them.
constexpr absl::string_view kPayloadUrl = "fiscal/refusal";

}  // namespace

const std::vector<ReasonInfo>& AllReasons() {
  using C = absl::StatusCode;
  static const auto* const reasons = new std::vector<ReasonInfo>{
      {Reason::kMessageMalformed, "MESSAGE_MALFORMED", C::kInvalidArgument, "报文无法解析"},
      {Reason::kMessageTooLarge, "MESSAGE_TOO_LARGE", C::kInvalidArgument, "报文超过大小上限"},
      {Reason::kFieldUnknown, "FIELD_UNKNOWN", C::kInvalidArgument, "报文含有未定义的字段"},
      {Reason::kRequiredFieldMissing, "REQUIRED_FIELD_MISSING", C::kInvalidArgument, "必填项为空"},
      {Reason::kFieldNotAllowed, "FIELD_NOT_ALLOWED", C::kInvalidArgument, "此处不允许填写该项"},
      {Reason::kEnumUnknown, "ENUM_UNKNOWN", C::kInvalidArgument, "取值不在允许范围内"},
      {Reason::kTextInvalid, "TEXT_INVALID", C::kInvalidArgument, "文本含有不允许的字符或超过长度"},
      {Reason::kCodeMalformed, "CODE_MALFORMED", C::kInvalidArgument, "编码格式不正确"},
      {Reason::kAmountInvalid, "AMOUNT_INVALID", C::kInvalidArgument, "金额不正确"},
      {Reason::kAmountOverflow, "AMOUNT_OVERFLOW", C::kInvalidArgument, "金额合计超出可表示范围"},
      {Reason::kDuplicateLineId, "DUPLICATE_LINE_ID", C::kInvalidArgument, "明细行编号重复"},
      {Reason::kDuplicateProjectCode, "DUPLICATE_PROJECT_CODE", C::kInvalidArgument,
       "项目编码重复"},
      {Reason::kDuplicateCode, "DUPLICATE_CODE", C::kInvalidArgument, "目录编码重复"},
      {Reason::kTooManyLines, "TOO_MANY_LINES", C::kInvalidArgument, "明细行数超过上限"},
      {Reason::kTooManyProjects, "TOO_MANY_PROJECTS", C::kInvalidArgument, "项目数超过上限"},
      {Reason::kTooManyEntries, "TOO_MANY_ENTRIES", C::kInvalidArgument, "目录条数超过上限"},
      {Reason::kTooManyValues, "TOO_MANY_VALUES", C::kInvalidArgument, "字段的值的个数超过上限"},
      {Reason::kProjectUnknown, "PROJECT_UNKNOWN", C::kInvalidArgument, "明细行引用的项目不存在"},
      {Reason::kPageTokenInvalid, "PAGE_TOKEN_INVALID", C::kInvalidArgument,
       "分页标记不属于此查询"},
      {Reason::kPositionInvalid, "POSITION_INVALID", C::kInvalidArgument, "位置标记不正确"},
      {Reason::kResumeTokenInvalid, "RESUME_TOKEN_INVALID", C::kInvalidArgument,
       "续传标记不属于此订阅或此系统"},
      {Reason::kQueryInvalid, "QUERY_INVALID", C::kInvalidArgument, "查询条件不正确"},
      {Reason::kFormUnknown, "FORM_UNKNOWN", C::kInvalidArgument, "没有这种表式"},
      {Reason::kDivisionUnknown, "DIVISION_UNKNOWN", C::kFailedPrecondition, "行政区划不在目录中"},
      {Reason::kDepartmentUnknown, "DEPARTMENT_UNKNOWN", C::kFailedPrecondition, "部门不在目录中"},
      {Reason::kAgencyUnknown, "AGENCY_UNKNOWN", C::kFailedPrecondition, "单位不在目录中"},
      {Reason::kDepartmentMismatch, "DEPARTMENT_MISMATCH", C::kFailedPrecondition,
       "单位不属于所填部门"},
      {Reason::kAgencyNotValid, "AGENCY_NOT_VALID", C::kFailedPrecondition, "单位在该年度无效"},
      {Reason::kCatalogNotLoaded, "CATALOG_NOT_LOADED", C::kFailedPrecondition,
       "该年度的科目目录尚未导入"},
      {Reason::kCodeUnknown, "CODE_UNKNOWN", C::kFailedPrecondition, "科目不在该年度目录中"},
      {Reason::kParentUnknown, "PARENT_UNKNOWN", C::kFailedPrecondition, "上级编码不在目录中"},
      {Reason::kLineUnknown, "LINE_UNKNOWN", C::kFailedPrecondition, "要删除的行或项目不存在"},
      {Reason::kScopeMixed, "SCOPE_MIXED", C::kFailedPrecondition,
       "同一部门同一年度不能既按单位又按部门汇总申报"},
      {Reason::kAgencyHasStatements, "AGENCY_HAS_STATEMENTS", C::kFailedPrecondition,
       "已有预算的单位或区划不能改变隶属关系"},
      {Reason::kLedgerOverflow, "LEDGER_OVERFLOW", C::kFailedPrecondition,
       "该区划该年度该阶段金额绝对值合计超出上限"},
      {Reason::kStatementLinesExceeded, "STATEMENT_LINES_EXCEEDED", C::kFailedPrecondition,
       "修改后的明细行数超过上限"},
      {Reason::kReallocationUnbalanced, "REALLOCATION_UNBALANCED", C::kFailedPrecondition,
       "调剂各方金额按资金性质合计不为零"},
      {Reason::kRulesFailed, "RULES_FAILED", C::kFailedPrecondition,
       "勾稽关系不成立，不能作为定稿提交"},
      {Reason::kReallocationUnchanged, "REALLOCATION_UNCHANGED", C::kFailedPrecondition,
       "调剂中有一份预算没有任何变化"},
      {Reason::kDivisionFromUpstream, "DIVISION_FROM_UPSTREAM", C::kFailedPrecondition,
       "该区划的数据来自另一系统"},
      {Reason::kUpstreamUnknown, "UPSTREAM_UNKNOWN", C::kFailedPrecondition,
       "没有配置这个下级系统"},
      {Reason::kUpstreamEventInvalid, "UPSTREAM_EVENT_INVALID", C::kFailedPrecondition,
       "下级系统的数据不符合要求，未予汇入"},
      {Reason::kTotalsNotHere, "TOTALS_NOT_HERE", C::kFailedPrecondition, "本进程不提供汇总数据"},
      {Reason::kTotalsStopped, "TOTALS_STOPPED", C::kFailedPrecondition,
       "有一个事件无法汇总，汇总已停止，须由管理员隔离该事件"},
      {Reason::kNotTheWriter, "NOT_THE_WRITER", C::kFailedPrecondition, "本进程只有日志副本"},
      {Reason::kQuarantineNotNeeded, "QUARANTINE_NOT_NEEDED", C::kFailedPrecondition,
       "该事件可以正常汇总，无需隔离"},
      {Reason::kBudgetQuarantined, "BUDGET_QUARANTINED", C::kFailedPrecondition,
       "该预算有事件已被隔离，不再计入汇总"},
      {Reason::kSigningStopped, "SIGNING_STOPPED", C::kFailedPrecondition,
       "签名密钥丢失或已改变，已停止签名"},
      {Reason::kBudgetNotFound, "BUDGET_NOT_FOUND", C::kNotFound, "没有这份预算"},
      {Reason::kRevisionNotFound, "REVISION_NOT_FOUND", C::kNotFound, "没有这个版本"},
      {Reason::kRevisionMismatch, "REVISION_MISMATCH", C::kAborted,
       "预算已被修改，请重新读取后再提交"},
      {Reason::kRequestIdReused, "REQUEST_ID_REUSED", C::kAlreadyExists, "请求编号已用于另一内容"},
      {Reason::kPositionAhead, "POSITION_AHEAD", C::kOutOfRange, "所要求的位置尚未到达"},
      {Reason::kPositionOfOtherHistory, "POSITION_OF_OTHER_HISTORY", C::kFailedPrecondition,
       "该位置或标记不属于本系统现有的日志"},
      {Reason::kTotalOutOfRange, "TOTAL_OUT_OF_RANGE", C::kOutOfRange, "合计金额超出可表示范围"},
      {Reason::kPositionTimeout, "POSITION_TIMEOUT", C::kDeadlineExceeded, "等待所要求的位置超时"},
      {Reason::kHistoryDiffers, "HISTORY_DIFFERS", C::kDataLoss, "双方日志历史不一致"},
      {Reason::kWatchTooWide, "WATCH_TOO_WIDE", C::kResourceExhausted, "订阅的行数超过上限"},
      {Reason::kWatchersTooMany, "WATCHERS_TOO_MANY", C::kResourceExhausted, "订阅数量超过上限"},
      {Reason::kReadTooLarge, "READ_TOO_LARGE", C::kInvalidArgument,
       "查询的计算量超过上限，请缩小范围"},
      {Reason::kCallsTooMany, "CALLS_TOO_MANY", C::kResourceExhausted,
       "同一调用方同时进行的调用超过上限"},
      {Reason::kRateExceeded, "RATE_EXCEEDED", C::kResourceExhausted,
       "调用频率或计算量超过份额，请按提示的时间重试"},
      {Reason::kQueueFull, "QUEUE_FULL", C::kResourceExhausted, "系统繁忙，请稍后重试"},
      {Reason::kCheckRunning, "CHECK_RUNNING", C::kResourceExhausted, "同类核对正在进行"},
      {Reason::kDiskFull, "DISK_FULL", C::kResourceExhausted, "存储空间不足"},
      {Reason::kMemoryFull, "MEMORY_FULL", C::kResourceExhausted, "内存额度已用完，请稍后重试"},
      {Reason::kUpstreamUnreachable, "UPSTREAM_UNREACHABLE", C::kUnavailable, "下级系统没有应答"},
      {Reason::kReplicaBehind, "REPLICA_BEHIND", C::kUnavailable, "此副本尚未同步到所要求的位置"},
      {Reason::kDraining, "DRAINING", C::kUnavailable, "服务正在停止，请稍后重试"},
      {Reason::kRecovering, "RECOVERING", C::kUnavailable, "服务正在恢复，请稍后重试"},
      {Reason::kOutcomeUnknown, "OUTCOME_UNKNOWN", C::kUnavailable,
       "结果未知，请用同一请求编号重试"},
      {Reason::kStorageDamaged, "STORAGE_DAMAGED", C::kDataLoss, "存储的数据已损坏"},
      {Reason::kPrincipalRefused, "PRINCIPAL_REFUSED", C::kUnauthenticated,
       "证书不能确定调用方身份，或已被吊销"},
      {Reason::kRightNotGranted, "RIGHT_NOT_GRANTED", C::kPermissionDenied, "未获此项授权"},
      {Reason::kPrincipalMalformed, "PRINCIPAL_MALFORMED", C::kInvalidArgument,
       "身份名称格式不正确"},
      {Reason::kRoleUnknown, "ROLE_UNKNOWN", C::kInvalidArgument, "没有这个角色"},
      {Reason::kGrantNotFound, "GRANT_NOT_FOUND", C::kNotFound, "没有这项授权"},
      {Reason::kGrantNotPending, "GRANT_NOT_PENDING", C::kFailedPrecondition,
       "该授权不在待批准状态"},
      {Reason::kSecondPersonNeeded, "SECOND_PERSON_NEEDED", C::kPermissionDenied,
       "须由另一名安全管理员办理"},
      {Reason::kStatementEmptied, "STATEMENT_EMPTIED", C::kFailedPrecondition,
       "报送内容为空，会清空现有明细；如需撤回请用撤回，确需清空请注明 allow_empty"},
      {Reason::kClockStepped, "CLOCK_STEPPED", C::kUnavailable,
       "服务器时钟突然跳快，暂停写入，时钟校正后自动恢复"},
      {Reason::kClockNotAccepted, "CLOCK_NOT_ACCEPTED", C::kFailedPrecondition,
       "服务器时钟与日志末尾的时间相差过大，须由管理员确认时钟后才能写入"},
      {Reason::kCancelled, "CANCELLED", C::kCancelled, "调用已取消"},
      {Reason::kDeadlineExceeded, "DEADLINE_EXCEEDED", C::kDeadlineExceeded, "调用超时"},
      {Reason::kInternal, "INTERNAL", C::kInternal, "系统内部错误"},
  };
  return *reasons;
}

const ReasonInfo& InfoOf(Reason reason) {
  const ReasonInfo& info = AllReasons()[static_cast<size_t>(reason)];
  FISCAL_CHECK(info.reason == reason, "the list of reasons has the order of the enum");
  return info;
}

Violation::Violation(Reason why, std::string path, std::string line, std::string says)
    : reason(why),
      field(Cut(std::move(path), kEchoBytesMax)),
      line_id(Cut(std::move(line), kEchoBytesMax)),
      message(Cut(std::move(says), 2 * kEchoBytesMax)) {}

Violation::Violation(Reason why, std::string path, std::string line, Sentence says)
    : Violation(why, std::move(path), std::move(line), std::move(says.en)) {
  message_zh = Cut(std::move(says.zh), 2 * kEchoBytesMax);
}

Sentence Shape::Not(absl::string_view sent) const {
  const std::string value = Cut(Shown(sent), kEchoBytesMax / 4);
  return {absl::StrCat("\"", value, "\": ", en), absl::StrCat("“", value, "”：", zh)};
}

void AddViolation(Violation violation, std::vector<Violation>* violations) {
  if (violations->size() >= kViolationsMax) return;
  const bool told = !violation.field.empty() &&
                    std::any_of(violations->begin(), violations->end(),
                                [&](const Violation& v) { return v.field == violation.field; });
  if (!told) violations->push_back(std::move(violation));
}

absl::Status ToStatus(Refusal refusal) {
  refusal.message = Cut(std::move(refusal.message), 4 * kEchoBytesMax);
  refusal.message_zh = Cut(std::move(refusal.message_zh), 4 * kEchoBytesMax);
  for (auto& [key, value] : refusal.metadata) value = Cut(std::move(value), kEchoBytesMax);
  if (refusal.violations.size() > kViolationsMax) refusal.violations.resize(kViolationsMax);
  absl::Status status(InfoOf(refusal.reason).code, refusal.message);
  std::string bytes;
  PutVarint(&bytes, static_cast<uint64_t>(refusal.reason));
  PutVarint(&bytes, refusal.violations.size());
  for (const Violation& v : refusal.violations) {
    PutVarint(&bytes, static_cast<uint64_t>(v.reason));
    PutString(&bytes, v.field);
    PutString(&bytes, v.line_id);
    PutString(&bytes, v.message);
    PutString(&bytes, v.message_zh);
  }
  PutVarint(&bytes, refusal.metadata.size());
  for (const auto& [key, value] : refusal.metadata) {
    PutString(&bytes, key);
    PutString(&bytes, value);
  }
  PutVarint(&bytes, static_cast<uint64_t>(absl::ToInt64Milliseconds(refusal.retry_after)));
  PutString(&bytes, refusal.message_zh);
  status.SetPayload(kPayloadUrl, absl::Cord(bytes));
  return status;
}

absl::Status Refuse(Reason reason, absl::string_view message) {
  return ToStatus({reason, std::string(message), {}, {}});
}

absl::Status Refuse(Reason reason, Sentence message) {
  Refusal refusal{reason, std::move(message.en), {}, {}};
  refusal.message_zh = std::move(message.zh);
  return ToStatus(std::move(refusal));
}

absl::Status Refuse(std::vector<Violation> violations) {
  FISCAL_CHECK(!violations.empty(), "a refusal has a reason");
  auto first = std::find_if(violations.begin(), violations.end(), [](const Violation& v) {
    return InfoOf(v.reason).code == absl::StatusCode::kInvalidArgument;
  });
  if (first == violations.end()) first = violations.begin();
  Refusal refusal;
  refusal.reason = first->reason;
  refusal.message =
      first->field.empty() ? first->message : absl::StrCat(first->field, ": ", first->message);
  if (violations.size() > 1)
    absl::StrAppend(&refusal.message, " (and ", violations.size() - 1, " more)");
  if (!first->line_id.empty()) refusal.metadata.push_back({"line_id", first->line_id});
  refusal.violations = std::move(violations);
  return ToStatus(std::move(refusal));
}

Explained Explain(const absl::Status& status) {
  Explained e;
  e.refusal.message = std::string(status.message());
  const absl::optional<absl::Cord> payload = status.GetPayload(kPayloadUrl);
  if (!payload.has_value()) return e;
  const std::string bytes(*payload);
  ByteReader reader(bytes);
  e.reason_known = true;
  e.refusal.reason = static_cast<Reason>(reader.Varint());
  for (uint64_t n = reader.Varint(); n > 0 && reader.ok(); --n) {
    Violation v;
    v.reason = static_cast<Reason>(reader.Varint());
    v.field = std::string(reader.String());
    v.line_id = std::string(reader.String());
    v.message = std::string(reader.String());
    v.message_zh = std::string(reader.String());
    e.refusal.violations.push_back(std::move(v));
  }
  for (uint64_t n = reader.Varint(); n > 0 && reader.ok(); --n) {
    std::string key(reader.String());
    e.refusal.metadata.push_back({std::move(key), std::string(reader.String())});
  }
  e.refusal.retry_after = absl::Milliseconds(reader.Varint());
  e.refusal.message_zh = std::string(reader.String());
  return e;
}

}  // namespace fiscal::domain
