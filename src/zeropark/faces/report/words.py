"""The words of the report. The file carries both languages at once, so they stand in pairs."""

from __future__ import annotations

from zeropark.units.text import Text

WORDS: dict[str, Text] = {
    "title": Text("Run report", "运行报告"),
    "simulated": Text("simulated plant", "仿真电站"),
    "language": Text("Language", "语言"),
    "theme": Text("Light or dark", "浅色或深色"),
    "light": Text("Light", "浅色"),
    "dark": Text("Dark", "深色"),
    "print": Text("Print", "打印"),
    "table": Text("Table", "表格"),
    "chart": Text("Chart", "图"),
    "time": Text("Time", "时间"),
    "no_reading": Text("no reading", "无读数"),
    "no_script": Text(
        "The charts need JavaScript; the figures, the tables and the energy flow do not.",
        "曲线图需要 JavaScript；数字、表格和能流图不需要。",
    ),
    "partial": Text(
        "Stopped after {done} of {asked} days. The figures cover what was run.",
        "{asked} 天中运行了 {done} 天后停止。数字仅覆盖已运行的部分。",
    ),
    # the headline and what follows it
    "saved_both": Text(
        "Against simple rules the plan saved {money} and {carbon} tCO₂.",
        "与简单规则相比，计划节省 {money}，减排 {carbon} tCO₂。",
    ),
    "saved_more_carbon": Text(
        "Against simple rules the plan saved {money}, with {carbon} tCO₂ more.",
        "与简单规则相比，计划节省 {money}，但多排 {carbon} tCO₂。",
    ),
    "saved": Text(
        "Against simple rules the plan saved {money}.", "与简单规则相比，计划节省 {money}。"
    ),
    "dearer": Text("The plan cost {money} more than simple rules.", "计划比简单规则多花 {money}。"),
    "captured": Text(
        "That is {share} % of the saving perfect foresight could have made.",
        "达到完全预知可节省额的 {share} %。",
    ),
    "nothing_to_gain": Text(
        "Even perfect foresight could have saved less than 1 % of the cost.",
        "即使完全预知，可节省的也不足费用的 1 %。",
    ),
    "no_win": Text(
        "It does not count as a win: others were served worse than under rules.",
        "不算胜出：服务比规则下差。",
    ),
    "alone_plan": Text(
        "The plan ran the park for {money}, {clean} % clean.",
        "计划运行园区，费用 {money}，清洁占比 {clean} %。",
    ),
    "alone_rules": Text(
        "Simple rules ran the park for {money}, {clean} % clean.",
        "按规则运行园区，费用 {money}，清洁占比 {clean} %。",
    ),
    "used_clean": Text("{used} used, {clean} of it clean.", "用电 {used}，其中清洁 {clean}。"),
    "peak": Text("Grid import peaked at {peak}.", "购电最高 {peak}。"),
    "peak_rules": Text(
        "Grid import peaked at {peak}; under rules it reached {rules}.",
        "购电最高 {peak}；规则下为 {rules}。",
    ),
    "curtailed": Text("{curtailed} of sun and wind were not used.", "弃风弃光 {curtailed}。"),
    "gave_none": Text("No limit gave way.", "没有限值让步。"),
    "gave_one": Text("One limit gave way.", "有一处限值让步。"),
    "gave_many": Text("{count} limits gave way.", "有 {count} 处限值让步。"),
    # the comparison
    "rules": Text("Rules", "规则"),
    "plan_as_run": Text("Plan, as run", "计划（实际）"),
    "rules_as_run": Text("Rules, as run", "规则（实际）"),
    "plan": Text("Plan", "计划"),
    "foresight": Text("Foresight", "预知"),
    "played": Text("Foresight played", "预知执行"),
    "difference": Text("Plan − rules", "计划 − 规则"),
    "of_possible": Text("Of possible", "达成"),
    "no_gain": Text("nothing to gain", "无可得"),
    "beyond": Text("beyond foresight", "优于预知"),
    "points": Text("points", "个百分点"),
    "row_cost": Text("Cost", "费用"),
    "row_import": Text("Grid energy", "购电量"),
    "row_peak": Text("Highest grid import", "最高购电功率"),
    "row_clean": Text("Clean share", "清洁占比"),
    "row_carbon": Text("Carbon, location-based", "碳排放（基于位置）"),
    "row_curtailed": Text("Sun and wind not used", "弃风弃光"),
    "row_jobs": Text("Jobs on green power", "任务绿电占比"),
    "of_use": Text("of use", "占用电"),
    # energy flow
    "flow_day": Text("Where the day's energy came from and went", "当日能量的来与去"),
    "flow_run": Text("Where the energy came from and went", "能量的来与去"),
    "flow_caption": Text(
        "MWh, measured at the meters; width is energy", "MWh，表计计量；宽度为能量"
    ),
    "flow_summary": Text(
        "{sources} supplied; {uses} took it up.", "供给：{sources}；去向：{uses}。"
    ),
    "used": Text("{amount} taken up", "消纳 {amount}"),
    "exported": Text("Exported", "上网"),
    "store_losses": Text("{name}, losses", "{name}损耗"),
    "store_kept": Text("{name}, left in store", "{name}存余"),
    "store_given": Text("{name}, from stock", "{name}取用存量"),
    "unmetered": Text("Spilled or not metered", "弃放或未计量"),
    "electricity": Text("electricity", "电力"),
    "heat": Text("heat", "热力"),
    "cooling": Text("cooling", "冷量"),
    "gas": Text("gas", "燃气"),
    "hydrogen": Text("hydrogen", "氢"),
    "material": Text("material", "物料"),
    "fuel": Text("fuel", "燃料"),
    "compute": Text("compute", "算力"),
    # supply and its lanes
    "supply_of": Text("Supply of {carrier} over time", "{carrier}供给过程"),
    "supply_caption": Text(
        "MW, {means} as run; storing and export below zero",
        "MW，{means}，实际运行；零线以下为储入与上网",
    ),
    "supply_caption_plain": Text("MW, {means} as run", "MW，{means}，实际运行"),
    "minute_means": Text("{minutes}-minute means", "{minutes} 分钟均值"),
    "hourly_means": Text("hourly means", "小时均值"),
    "daily_means": Text("daily means", "日均值"),
    "map_head": Text("Clean share, hour by hour", "逐小时清洁占比"),
    "map_caption": Text("% of use; days across, hours down", "占用电 %；横为日，纵为时"),
    "supply_summary": Text(
        "{first} gave most, {amount} of {total}.", "供给最多的是{first}，{amount}，共 {total}。"
    ),
    "used_plan": Text("Used, plan", "用量，计划"),
    "used_run": Text("Used", "用量"),
    "used_rules": Text("Used, rules", "用量，规则"),
    "discharge": Text("{name}, out", "{name}放出"),
    "charge": Text("{name}, in", "{name}储入"),
    "lanes": Text("Price, storage and reasons", "电价、储能与理由"),
    "lanes_caption": Text(
        "One time axis; a reason stands until it changes", "同一时间轴；理由保持到变化为止"
    ),
    "lanes_plain": Text("Price, grid import and storage", "电价、购电与储能"),
    "lanes_plain_caption": Text("One time axis, {means}", "同一时间轴，{means}"),
    "price": Text("Price", "电价"),
    "price_unit": Text("CNY/kWh", "元/kWh"),
    "price_import": Text("import price", "购电价"),
    "marginal": Text("marginal price", "边际价"),
    "marginal_of": Text("marginal price, {node}", "边际价，{node}"),
    "scarcity": Text("scarcity, up to {price}", "稀缺，最高 {price}"),
    "beyond_scale": Text("marginal price up to {price}", "边际价最高 {price}"),
    "import": Text("Grid import", "购电"),
    "import_plan": Text("plan", "计划"),
    "import_run": Text("as run", "实际"),
    "import_rules": Text("rules", "规则"),
    "soc": Text("Charge", "荷电"),
    "soc_rules": Text("{name}, rules", "{name}，规则"),
    "reasons": Text("Reasons", "理由"),
    "lanes_summary": Text(
        "The import price went from {low} to {high} CNY/kWh.",
        "购电价在 {low} 至 {high} 元/kWh 之间。",
    ),
    # halves
    "cooling_head": Text("Cooling followed the weather", "冷却随天气而变"),
    "cooling_caption": Text("{hall}; °C and cooling mode", "{hall}；℃ 与冷却方式"),
    "outside_air": Text("outside air", "室外气温"),
    "wet_bulb": Text("wet-bulb", "湿球温度"),
    "degree": Text("°C", "℃"),
    "pue": Text("PUE {pue}", "PUE {pue}"),
    "mode_hours": Text("{mode} {hours}\u00a0h", "{mode} {hours}\u00a0h"),
    "jobs_head_led": Text("Jobs followed the clean power", "任务跟着绿电走"),
    "jobs_head": Text("Jobs and clean power", "任务与绿电"),
    "jobs_caption": Text(
        "Jobs, {unit} (left); clean share (right)", "任务 {unit}（左）；清洁占比（右）"
    ),
    "kcore": Text("thousand cores", "千核"),
    "cores": Text("cores", "核"),
    "MW": Text("MW", "MW"),
    "clean_share": Text("clean share", "清洁占比"),
    "jobs_rules": Text("jobs under rules", "规则下任务"),
    "jobs_total": Text("jobs", "任务"),
    "jobs_green": Text("Jobs ran on {share} clean power", "任务用电清洁 {share}"),
    "jobs_green_rules": Text("(rules {share})", "（规则 {share}）"),
    "jobs_done": Text("{done} jobs done, {late} late", "完成 {done} 个，逾期 {late} 个"),
    # cost, service, plans
    "ledger": Text("Cost and service", "费用与服务"),
    "ledger_caption": Text(
        "All columns start from one state and are settled at one end value",
        "各列起始状态相同，期末按同一价值结算",
    ),
    "cost_total": Text("Cost in total", "费用合计"),
    "cost_energy": Text("energy", "电量电费"),
    "cost_demand": Text("demand charge", "需量电费"),
    "cost_wear": Text("wear of storage", "储能损耗"),
    "cost_unserved": Text("not served", "未供"),
    "cost_reserve": Text("reserve not held", "备用不足"),
    "cost_spill": Text("spilled", "弃放"),
    "cost_ends": Text("ends: stored and owed", "期末：存量与欠量"),
    "none": Text("none", "无"),
    "not_run": Text("not lived", "未实际运行"),
    "unserved": Text("Not served", "未供电量"),
    "done": Text("Jobs done", "完成任务"),
    "late": Text("Jobs late", "逾期任务"),
    "ev_served": Text("Cars charged", "车辆充电"),
    "ev_short": Text("Cars short", "车辆欠充"),
    "losses": Text("Storage losses", "储能损耗量"),
    "export": Text("Exported", "上网电量"),
    "self_use": Text("Own generation used here", "自发自用率"),
    "heat_recovered": Text("Waste heat recovered", "余热回收"),
    "heat_dumped": Text("Heat cooled away or vented", "弃热与放空"),
    "ramp_kept": Text("Steps that keep a base's downward limits", "基地下降限值达标率"),
    "kept_without": Text("the same without its storage", "无储能时的达标率"),
    "ramp_p99": Text("Base ramps, highest in a hundred", "基地爬坡 99 分位"),
    "ramp_p99_without": Text("the same without its storage", "无储能时的爬坡 99 分位"),
    "smoothing": Text("Smoothing, per MWh discharged", "每放电 MWh 的平滑成本"),
    "direct_self_use": Text("Direct supply, of available generation", "绿电直连：占可用发电量"),
    "direct_load": Text("Direct supply, of the load", "绿电直连：占总用电量"),
    "direct_export": Text("Direct supply, exported", "绿电直连：上网比例"),
    "pue_row": Text("PUE", "PUE"),
    "shares": Text("Three clean shares, never one", "三种清洁占比，不可合一"),
    "share_physical": Text("physical, per interval", "物理口径，逐时段"),
    "share_contract": Text("with green trade of the same interval", "计入同时段绿电交易"),
    "share_mix": Text("with the grid's own mix", "计入电网自身构成"),
    "missing": Text("What is missing to foresight", "与预知的差距"),
    "missing_plant": Text("plant against model", "实际设备与模型"),
    "missing_horizon": Text("horizon", "展望期"),
    "missing_forecast": Text("forecast", "预测"),
    "regret": Text("Regret per MWh served", "每 MWh 供能遗憾"),
    "regret_unit": Text("CNY/MWh", "元/MWh"),
    "plans": Text("Plans", "计划评级与用时"),
    "plans_count": Text("plans made", "计划次数"),
    "grade_optimal": Text("optimal", "最优"),
    "grade_deadline": Text("best at the deadline", "到期最佳"),
    "grade_last_good": Text("last good", "上一有效"),
    "grade_rules": Text("rules", "规则"),
    "time_ours": Text("Time spent by us", "自身用时"),
    "time_solver": Text("Time spent by the solver", "求解器用时"),
    "step_p50": Text("a plan, median", "单次计划，中位"),
    "step_p95": Text("a plan, 95 of 100 within", "单次计划，95 % 以内"),
    "gave_head": Text("What gave way", "让步"),
    "gave_more": Text("and {count} more in run.json", "另有 {count} 条，见 run.json"),
    # footer
    "factors": Text("Factors", "因子"),
    "data": Text("Data", "数据"),
    "proof": Text("Proof", "核对"),
    "factor": Text(
        "{label}: {value}, since {date}, {source} ({status}).",
        "{label}：{value}，自 {date}，{source}（{status}）。",
    ),
    "lenses": Text(
        "Carbon figures of different methods are never added.", "不同方法的碳数据不相加。"
    ),
    "no_factors": Text(
        "No emission factor is known for this place; carbon is not stated.",
        "此地无已知排放因子；不给出碳数据。",
    ),
    "intervals": Text(
        "{there} of {all} intervals recorded.", "共 {all} 个时段，已记录 {there} 个。"
    ),
    "intervals_holes": Text(
        "{holes} readings are absent and are drawn hatched.", "缺 {holes} 个读数，以斜线标出。"
    ),
    "assumed": Text("Assumptions listed below: {count}.", "假设与二手数据 {count} 项，列于下。"),
    "proof_files": Text(
        "Every figure stands in run.json and every curve in series.parquet beside this file.",
        "全部数字在本文件旁的 run.json 中，全部曲线在 series.parquet 中。",
    ),
    "proof_again": Text("The same run again:", "重现此次运行："),
    "residual": Text(
        "No node was out of balance by more than {residual} W.", "各节点不平衡最大 {residual} W。"
    ),
    "balanced": Text("Every node balances to within 1 W.", "各节点平衡误差小于 1 W。"),
    "signed": Text(
        "Signed head of the ledger at {at}: {size} entries, root {root}. Keep it: "
        "zeropark ledger verify --head FILE shows any change made to them since.",
        "账本签名头（{at}）：{size} 条，根 {root}。将它保存：用 zeropark ledger verify --head FILE "
        "可查出此后对它们的任何改动。",
    ),
    "made": Text("Made {at} by zeropark {version}.", "{at} 由 zeropark {version} 生成。"),
    "assumptions": Text("Assumptions and secondary numbers", "假设与二手数据"),
    "value": Text("Value", "数值"),
    "source": Text("Source", "来源"),
    "status": Text("Status", "状态"),
    "what": Text("What", "内容"),
    "read": Text("read", "原文查得"),
    "secondary": Text("secondary", "转引"),
    "recalled": Text("recalled", "凭记忆"),
    "computed": Text("computed", "计算"),
    "assumption": Text("assumption", "假设"),
}


def say(key: str, **values: object) -> Text:
    """Return the words of `key` with their placeholders filled; a value may be a `Text` itself."""
    words = WORDS[key]
    sides = ({name: _side(value, side) for name, value in values.items()} for side in (0, 1))
    filled = (template.format(**given) for template, given in zip(words, sides, strict=True))
    # A number and its percent sign stay on one line.
    return Text(*(text.replace(" %", "\u00a0%") for text in filled))


SPACE = Text(" ", " ")
DOT = Text(" · ", " · ")
_SENTENCES = Text(" ", "")


def join(*texts: Text | None, between: Text = _SENTENCES) -> Text:
    """Return sentences one after the other; absent ones are left out."""
    there = [text for text in texts if text is not None]
    return Text(between.en.join(t.en for t in there), between.zh.join(t.zh for t in there))


def _side(value: object, side: int) -> object:
    return value[side] if isinstance(value, Text) else value
