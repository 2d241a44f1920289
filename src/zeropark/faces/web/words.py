"""The words that stand around every page. A page's own words lie in its folder."""

from __future__ import annotations

from zeropark.units.text import Text

SHELL: dict[str, Text] = {
    "room": Text("Control room", "控制室"),
    "simulated": Text("simulated", "仿真"),
    "simulated_why": Text(
        "The plant is simulated; no number on this page was measured in the field.",
        "电站为仿真；本页无现场实测数字。",
    ),
    "data": Text("Data", "数据"),
    "measured": Text("measured", "实测"),
    "measured_chip": Text("measured", "测"),
    "forecast": Text("forecast", "预测"),
    "forecast_chip": Text("forecast", "预"),
    "estimated": Text("estimated", "估计"),
    "estimated_chip": Text("estimated", "估"),
    "entered": Text("entered", "录入"),
    "entered_chip": Text("entered", "录"),
    "set_chip": Text("set", "定值"),
    "set": Text("set-point", "定值"),
    "absent": Text("no reading", "无读数"),
    "lost": Text(
        "No word from the server since {since}. Numbers are the last known ones.",
        "自 {since} 起与服务器失联；数字为末次值。",
    ),
    "fault": Text(
        "The park stands still: its loop ended with a mistake of ours. See the server's log.",
        "园区停住：闭环因程序错误结束。见服务器日志。",
    ),
    "no_operate": Text(
        "Read only: operate does not answer, so no command is taken. Start it: zeropark operate.",
        "只读：operate 无应答，不接受指令。启动：zeropark operate。",
    ),
    "operate": Text(
        "Commands are handed to operate, a process of its own.", "指令交给独立进程 operate。"
    ),
    "silent": Text(
        "Operate does not answer. No command is taken; devices keep to their own watchdogs. "
        "Start it: zeropark operate.",
        "operate 无应答，不接受指令；设备由自身看门狗保护。启动：zeropark operate。",
    ),
    "role_waits": Text(
        "{name} gave himself the role {role}, which commands: it holds in {hours} h unless an "
        "operator of the system refuses it on the page People",
        "{name} 自授可下达指令的角色“{role}”：{hours} h 后生效，除非系统管理员在“人员”页拒绝",
    ),
    "unreached": Text(
        "The server was not reached. Send it again: the same command is done once.",
        "未连上服务器。可再次发送：同一命令只执行一次。",
    ),
    "stop": Text("Stop", "急停"),
    "hold_stop": Text(
        "Stop the whole park: hold for a second, by mouse or keyboard; no code, the reason may "
        "follow within an hour",
        "全园急停：按住一秒，鼠标或键盘均可；无需动态码，理由可在一小时内补写",
    ),
    "hold_it": Text(
        "Hold for a second, by mouse or keyboard; the reason may follow within an hour",
        "按住一秒，鼠标或键盘均可；理由可在一小时内补写",
    ),
    "stopped": Text("The park is stopped", "全园急停中"),
    "stopped_why": Text(
        "stores rest and nothing that waits takes power; a dispatcher ends it with reason and code",
        "储能静置，可等待的负荷不用电；由调度员写明理由并输入动态码解除",
    ),
    "resume": Text("End the stop", "解除急停"),
    "unexplained": Text(
        "{name} did '{verb}' {on}: the reason is still missing",
        "{name} 执行了“{verb}”{on}：尚缺理由",
    ),
    "minutes_left": Text("{minutes} min left to say why", "剩 {minutes} min 补写"),
    "explain": Text("Write the reason", "补写理由"),
    "voided": Text(
        "Voided: {name}, {verb} {on}: {because}", "已作废：{name}，{verb} {on}：{because}"
    ),
    "why": Text("Reason, required, written to the ledger", "理由，必填，写入账本"),
    "code": Text("Code of your authenticator", "验证器动态码"),
    "code_why": Text(
        "or a recovery code; leave empty within 15 min of the last one at this desk",
        "或恢复码；本席位 15 min 内已验证可留空",
    ),
    "catching_up": Text(
        "The park lives its first hours; the page fills by itself.",
        "园区正在补算前几小时；本页会自动更新。",
    ),
    "language": Text("Language", "语言"),
    "theme": Text("Theme", "主题"),
    "light": Text("Light", "浅色"),
    "dark": Text("Dark", "深色"),
    "print": Text("Print", "打印"),
    "table": Text("Table", "表格"),
    "places": Text("Pages", "页面"),
    "skip": Text("To the content", "跳到内容"),
    "sign_in": Text("Sign in", "登录"),
    "sign_out": Text("Sign out", "退出"),
    "name": Text("Name", "用户名"),
    "password": Text("Password", "口令"),
    "not_known": Text("Name and password do not fit.", "用户名与口令不符。"),
    "too_often": Text(
        "Too many tries. Wait {seconds} s, then try again.", "尝试过多。等 {seconds} s 后再试。"
    ),
    "no_page": Text("There is no such page. Choose one above.", "没有此页面。从上方选择。"),
    "not_yours": Text(
        "Your role may not see or do this. Ask the operator of the system.",
        "当前角色无此权限。联系系统管理员。",
    ),
    "old_form": Text(
        "The form is of an earlier session. Nothing was done; open the page again.",
        "表单属于较早的会话，未执行；重新打开页面。",
    ),
    "refused": Text("Not shown", "无法显示"),
    "back": Text("Back", "返回"),
    "updated": Text("as of {clock}", "截至 {clock}"),
}
