#include "tests/corpus/ledger.h"

#include <algorithm>
#include <map>

#include "tests/corpus/codes.h"

namespace fiscal::corpus {
namespace {

constexpr int64_t kYuan = 100;

// How big a document is and how fine its money.
struct Shape {
  int units = 1;
  int items = 1;  // 项 rows aimed at
  int projects = 0;
  int economics = 5;  // 款 of goods and services aimed at
  int64_t grain_fen = 1;
};

Shape MakeShape(Form form, Random& random) {
  Shape shape;
  const int64_t size = random.Between(0, 99);
  if (size < 15) {
    shape = {1, int(random.Between(1, 4)), int(random.Between(0, 3)), int(random.Between(0, 4))};
  } else if (size < 50) {
    shape = {int(random.Between(1, 2)), int(random.Between(5, 11)), int(random.Between(0, 9)),
             int(random.Between(3, 12))};
  } else if (size < 85) {
    shape = {int(random.Between(1, 5)), int(random.Between(8, 22)), int(random.Between(3, 18)),
             int(random.Between(6, 18))};
  } else {
    shape = {int(random.Between(3, 9)), int(random.Between(20, 40)), int(random.Between(12, 40)),
             int(random.Between(10, 21))};
  }
  if (form == Form::kShanghai9) {
    shape.grain_fen = random.Chance(80) ? kYuan : 1;
  } else {
    const int64_t grain = random.Between(0, 99);
    shape.grain_fen = grain < 60 ? 1 : grain < 85 ? kYuan : 100 * kYuan;
  }
  return shape;
}

// Adds the lines of one budget.
class Builder {
 public:
  Builder(Form form, Random& random) : random_(random), shape_(MakeShape(form, random)) {
    ledger_.form = form;
  }

  Ledger Build() {
    ledger_.year = int(random_.Between(2022, 2026));
    Name();
    ChooseItems();
    for (size_t unit = 0; unit < ledger_.units.size(); ++unit) AddBasic(int(unit));
    for (int project = 0; project < shape_.projects; ++project) AddProject(project);
    AddFactsBesideTheLines();
    return ledger_;
  }

 private:
  int64_t Grained(int64_t fen) const {
    return std::max<int64_t>(shape_.grain_fen, fen / shape_.grain_fen * shape_.grain_fen);
  }

  void Name() {
    const Theme& theme = random_.Pick(Themes());
    theme_ = &theme;
    static const std::vector<std::string> shanxi = {"青禾市",   "云岭市", "汾阳川市", "望河县",
                                                    "石门坡县", "柳泉区", "北原县",   "临漪市"};
    static const std::vector<std::string> shanghai = {"青澜区", "望江区", "临港湾区", "云桥区"};
    const bool nine = ledger_.form == Form::kShanghai9;
    ledger_.place = nine ? "上海市" + random_.Pick(shanghai) : random_.Pick(shanxi);
    std::string agency = theme.agency;
    if (nine && agency.size() > 3 && agency.substr(agency.size() - 3) == "局" &&
        random_.Chance(30)) {
      agency = agency.substr(0, agency.size() - 3) + "委员会";
    }
    ledger_.department = ledger_.place + agency;
    ledger_.of_one_unit = nine && random_.Chance(45);
    if (ledger_.of_one_unit) shape_.units = 1;
    ledger_.units.push_back({ledger_.department, UnitKind::kAdministrative});
    if (shape_.units == 1 && random_.Chance(15)) ledger_.units[0].kind = UnitKind::kInstitution;
    static const std::vector<std::string> tails = {
        "综合服务中心", "执法队", "信息中心",   "宣传教育中心", "事务受理中心",
        "发展研究中心", "档案馆", "技术推广站", "监测站",       "培训学校"};
    std::vector<std::string> names = tails;
    random_.Shuffle(names);
    const bool only_administrative = random_.Chance(35);
    for (int unit = 1; unit < shape_.units; ++unit) {
      const UnitKind kind = only_administrative || random_.Chance(25) ? UnitKind::kParticipating
                                                                      : UnitKind::kInstitution;
      ledger_.units.push_back({ledger_.place + names[size_t(unit)], kind});
    }
    if (shape_.units > 1 && random_.Chance(50)) ledger_.units[0].name += "（本级）";
    paired_ = shape_.units > 1 && random_.Chance(30);
  }

  void ChooseItems() {
    insured_ = shape_.items >= 6;
    const int basic = insured_ ? 6 : 1;
    std::vector<std::string> pool;
    for (const Named& item : ProjectItems()) pool.push_back(item.code);
    random_.Shuffle(pool);
    items_ = {theme_->affairs};
    if (random_.Chance(50)) items_.push_back(theme_->other);
    for (const std::string& item : pool) {
      if (int(items_.size()) + basic >= shape_.items) break;
      if (std::find(items_.begin(), items_.end(), item) == items_.end()) items_.push_back(item);
    }
    // Every 项 aimed at needs a project to stand in.
    shape_.projects = std::min(
        40,
        std::max(shape_.projects,
                 shape_.projects == 0 ? 0 : int(items_.size()) * int(random_.Between(7, 13)) / 10));
    government_ = random_.Chance(28);
    state_ = random_.Chance(12);
    account_ = random_.Chance(14);
    unit_money_ = random_.Chance(28);
    carried_ = ledger_.form == Form::kShanxi13 && random_.Chance(35);
  }

  void AddBasicLine(int unit, const std::string& functional, const std::string& economic,
                    int64_t fen) {
    Leaf leaf;
    leaf.unit = unit;
    leaf.functional = functional;
    leaf.economic = economic;
    leaf.category =
        economic[2] == '2' || economic[1] == '1' ? Category::kPublic : Category::kPersonnel;
    leaf.institution_pair = paired_ && ledger_.units[size_t(unit)].kind == UnitKind::kInstitution;
    leaf.fen = Grained(fen);
    ledger_.leaves.push_back(leaf);
  }

  void AddBasic(int unit) {
    const bool institution = ledger_.units[size_t(unit)].kind == UnitKind::kInstitution;
    const std::string main = institution ? theme_->institution : theme_->administration;
    const int64_t people = random_.Between(3, unit == 0 ? 90 : 40);
    const auto per_person = [&](int64_t low_yuan, int64_t high_yuan) {
      return people * random_.Between(low_yuan * kYuan, high_yuan * kYuan);
    };
    AddBasicLine(unit, main, "30101", per_person(30000, 60000));
    AddBasicLine(unit, main, "30102", per_person(10000, 70000));
    if (!institution) AddBasicLine(unit, main, "30103", per_person(2000, 30000));
    if (institution) AddBasicLine(unit, main, "30107", per_person(15000, 50000));
    if (random_.Chance(30)) AddBasicLine(unit, main, "30106", per_person(500, 3000));
    if (random_.Chance(60)) AddBasicLine(unit, main, "30112", per_person(300, 3000));
    if (random_.Chance(60)) AddBasicLine(unit, main, "30199", per_person(500, 12000));
    if (insured_) {
      AddBasicLine(unit, "2080505", "30108", per_person(9000, 20000));
      if (unit == 0 || random_.Chance(70))
        AddBasicLine(unit, "2080506", "30109", per_person(4000, 10000));
      AddBasicLine(unit, institution ? "2101102" : "2101101", "30110", per_person(4000, 9000));
      if (!institution && random_.Chance(70))
        AddBasicLine(unit, "2101103", "30111", per_person(800, 4000));
      AddBasicLine(unit, "2210201", "30113", per_person(8000, 16000));
      if (random_.Chance(25)) AddBasicLine(unit, "2210203", "30102", per_person(1000, 12000));
      if (random_.Chance(40)) {
        AddBasicLine(unit, institution ? "2080502" : "2080501", "30302", per_person(500, 6000));
      }
    }
    if (random_.Chance(30)) AddBasicLine(unit, main, "30301", per_person(500, 5000));
    if (random_.Chance(30)) AddBasicLine(unit, main, "30305", per_person(100, 2000));
    if (random_.Chance(25)) AddBasicLine(unit, main, "30309", per_person(10, 300));
    if (random_.Chance(40)) AddBasicLine(unit, main, "30399", per_person(10, 800));
    std::vector<std::string> goods;
    for (const Economic& economic : Economics()) {
      if (std::string(economic.code).substr(0, 3) == "302") goods.push_back(economic.code);
    }
    random_.Shuffle(goods);
    goods.resize(std::min(goods.size(), size_t(shape_.economics)));
    if (std::find(goods.begin(), goods.end(), "30201") == goods.end()) goods.push_back("30201");
    for (const std::string& economic : goods) {
      AddBasicLine(unit, main, economic, per_person(20, economic == "30239" ? 7000 : 2500));
    }
    if (random_.Chance(35)) AddBasicLine(unit, main, "31002", per_person(50, 2000));
    if (random_.Chance(10)) AddBasicLine(unit, main, "31003", per_person(50, 2000));
    // An institution may pay a part of its people from its own money.
    if (institution && unit_money_) {
      Leaf leaf;
      leaf.unit = unit;
      leaf.functional = main;
      leaf.fund = Fund::kUnit;
      leaf.income = int(random_.Between(0, 2));
      leaf.category = Category::kPersonnel;
      leaf.economic = "30199";
      leaf.fen = Grained(per_person(2000, 20000));
      ledger_.leaves.push_back(leaf);
    }
  }

  int64_t ProjectMoney() {
    int64_t yuan = random_.Between(1, 99);
    for (int64_t digits = random_.Between(2, 5); digits > 0; --digits) yuan *= 10;
    if (random_.Chance(35)) yuan += random_.Between(0, 99) * 100;
    if (random_.Chance(15)) yuan += random_.Between(0, 99);
    return Grained(yuan * kYuan);
  }

  std::string ProjectName() {
    static const std::vector<std::string> heads = {
        "信息系统", "档案管理", "政策宣传", "干部培训", "专题调研", "执法检查", "设备更新",
        "工作会议", "公共设施", "人才引进", "信访接待", "法律服务", "安全生产", "应急物资",
        "基层治理", "数据共享", "环境整治", "专项普查", "窗口服务", "志愿服务"};
    static const std::vector<std::string> tails = {"运行维护费", "工作经费", "专项经费",
                                                   "补助资金",   "奖励资金", "购置费"};
    std::string name;
    do {
      name = random_.Pick(heads) + random_.Pick(tails);
    } while (!project_names_.insert(name).second);
    return name;
  }

  void AddProject(int index) {
    Project project;
    project.unit = int(random_.Between(0, int64_t(ledger_.units.size()) - 1));
    project.name = ProjectName();
    Leaf leaf;
    leaf.unit = project.unit;
    leaf.project = index;
    leaf.functional = size_t(index) < items_.size() ? items_[size_t(index)] : random_.Pick(items_);
    const bool other_fund = size_t(index) >= items_.size() || random_.Chance(25);
    if (other_fund && government_ && random_.Chance(35)) {
      leaf.fund = Fund::kGovernment;
      leaf.functional = random_.Pick(FundItems()).code;
      leaf.revenue = StartsWith(leaf.functional, "212") ? "1030148" : "1030155";
    } else if (other_fund && state_ && random_.Chance(35)) {
      leaf.fund = Fund::kState;
      leaf.functional = random_.Pick(StateItems()).code;
      leaf.revenue = random_.Pick(StateRevenues()).code;
    } else if (other_fund && account_ && random_.Chance(35)) {
      leaf.fund = Fund::kAccount;
    } else if (unit_money_ && random_.Chance(15)) {
      leaf.fund = Fund::kUnit;
      leaf.income = int(random_.Between(0, 2));
    }
    // What stands on 一般行政管理事务 keeps an office running, the rest has an aim of its own.
    project.specific = leaf.functional.substr(5) != "02";
    ledger_.projects.push_back(project);
    leaf.fen = ProjectMoney();
    const bool carries = carried_ && InBooks(leaf.fund) && random_.Chance(30);
    if (!carries || random_.Chance(60)) ledger_.leaves.push_back(leaf);
    if (carries) {
      leaf.carried = true;
      leaf.revenue.clear();
      leaf.fen = ProjectMoney();
      ledger_.leaves.push_back(leaf);
    } else if (leaf.fund == Fund::kGeneral && unit_money_ && random_.Chance(10)) {
      leaf.fund = Fund::kUnit;  // one project, two sources
      leaf.income = int(random_.Between(0, 2));
      leaf.fen = ProjectMoney();
      ledger_.leaves.push_back(leaf);
    }
  }

  void AddFactsBesideTheLines() {
    if (!ledger_.projects.empty()) {
      if (random_.Chance(15)) ledger_.abroad_fen = random_.Between(1, 40) * 5000 * kYuan;
      if (random_.Chance(15)) ledger_.vehicle_purchase_fen = random_.Between(8, 36) * 10000 * kYuan;
      if (random_.Chance(25)) ledger_.vehicle_running_fen = random_.Between(1, 80) * 500 * kYuan;
      if (random_.Chance(20)) ledger_.reception_fen = random_.Between(1, 60) * 300 * kYuan;
    }
    if (random_.Chance(75)) {
      ledger_.goods_fen = random_.Between(0, 3000) * 1000 * kYuan;
      if (random_.Chance(30)) ledger_.works_fen = random_.Between(1, 5000) * 1000 * kYuan;
      ledger_.services_fen = random_.Between(0, 3000) * 1000 * kYuan;
    }
    const auto before = [&](int64_t fen) {
      return Grained(fen / 1000 * random_.Between(620, 1480) + random_.Between(0, 999));
    };
    const auto all = [](const Leaf&) { return true; };
    ledger_.previous_income_fen = before(ledger_.Sum(all));
    ledger_.previous_general_fen = before(
        ledger_.Sum([](const Leaf& leaf) { return leaf.fund == Fund::kGeneral && !leaf.carried; }));
    ledger_.previous_office_fen = before(ledger_.Sum([&](const Leaf& leaf) {
      return leaf.category == Category::kPublic && leaf.fund == Fund::kGeneral &&
             ledger_.units[size_t(leaf.unit)].kind != UnitKind::kInstitution;
    }));
    for (int kind = 0; kind < 7; ++kind) {
      ledger_.vehicles.push_back(random_.Chance(40) ? random_.Between(1, 6) : 0);
      ledger_.vehicle_quota += ledger_.vehicles.back();
    }
    ledger_.vehicle_quota += random_.Between(0, 3);
  }

  Random& random_;
  Shape shape_;
  Ledger ledger_;
  const Theme* theme_ = nullptr;
  std::vector<std::string> items_;
  std::set<std::string> project_names_;
  bool paired_ = false, insured_ = false;
  bool government_ = false, state_ = false, account_ = false, unit_money_ = false, carried_ = false;
};

}  // namespace

bool Ledger::Any(Fund fund) const {
  return std::any_of(leaves.begin(), leaves.end(),
                     [&](const Leaf& leaf) { return leaf.fund == fund; });
}

bool Ledger::AnyCarried() const {
  return std::any_of(leaves.begin(), leaves.end(), [](const Leaf& leaf) { return leaf.carried; });
}

bool Ledger::AllAdministrative() const {
  return std::none_of(units.begin(), units.end(),
                      [](const Unit& unit) { return unit.kind == UnitKind::kInstitution; });
}

Ledger MakeLedger(Form form, Random& random) { return Builder(form, random).Build(); }

}  // namespace fiscal::corpus
