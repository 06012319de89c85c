"""The Chinese phrases of every feature; what stands in braces is told in `features.phrases`."""

from features.phrases import Words, of_windows

IN_WINDOW = {
    "transactions": Words("近{days}天交易 {}", zero="近{days}天没有交易"),
    "credit": Words("近{days}天入账 {}", zero="近{days}天没有入账"),
    "debit": Words("近{days}天支出 {}", zero="近{days}天没有支出"),
    "amount_mean": Words(
        "近{days}天平均每笔 {}（收入为正，支出为负）", unknown="近{days}天没有交易"
    ),
    "amount_std": Words(
        "近{days}天每笔金额上下波动 {}",
        zero="近{days}天每笔金额相同",
        unknown="近{days}天交易不足 2 笔",
    ),
    "amount_max": Words("近{days}天最大一笔为 {}", unknown="近{days}天没有交易"),
    "balance_mean": Words("近{days}天平均余额 {}", unknown="近{days}天余额未知"),
    "digital_share": Words(
        "近{days}天本人交易中线上占 {percent}",
        zero="近{days}天没有本人线上交易",
        unknown="近{days}天本人交易的渠道未知",
    ),
    "counterparties": Words("近{days}天交易对手 {}", zero="近{days}天没有已知的交易对手"),
    "outflow_other_banks": Words("近{days}天转往他行 {}", zero="近{days}天没有资金转往他行"),
    "contacts": Words("近{days}天联系 {}", zero="近{days}天没有联系"),
    "visits": Words("近{days}天到访 {}", zero="近{days}天没有到访"),
    "complaints": Words("近{days}天投诉 {}", zero="近{days}天没有投诉"),
}

ALONE = {
    "recency_days": Words("距上次交易已 {}", unknown="尚无交易"),
    "own_recency_days": Words("距上次本人交易已 {}", unknown="尚无本人交易"),
    "own_transactions_90d": Words("近90天本人交易 {}", zero="近90天没有本人交易"),
    "transactions_trend": Words(
        "近30天交易笔数较近90天平均{moved}",
        zero="近30天没有交易，此前60天有",
        unknown="近90天没有交易",
    ),
    "active_months_365d": Words("近365天有 {}有交易", zero="近365天没有交易"),
    "cell_leaving_rate": Words("模型所学各月中，本网格客户约流失 {percent}"),
    "channels_365d": Words("近365天使用 {}", zero="近365天没有已知的渠道"),
    "categories_365d": Words("近365天交易有 {}", zero="近365天没有已知的交易类别"),
    "counterparties_active_share": Words(
        "全年交易对手中 {percent} 近90天仍有往来",
        zero="全年交易对手近90天都没有往来",
        unknown="近365天没有已知的交易对手",
    ),
    "outflow_other_banks_share_90d": Words(
        "近90天支出的 {percent} 转往他行",
        zero="近90天支出没有转往他行",
        unknown="近90天没有支出",
    ),
    "counter_share_365d": Words(
        "近365天本人交易中柜面占 {percent}",
        zero="近365天没有本人柜面交易",
        unknown="近365天本人交易的渠道未知",
    ),
    "digital_days_since": Words("距上次本人线上交易已 {}", unknown="近365天没有本人线上交易"),
    "cash_withdrawal_share_90d": Words(
        "近90天支出的 {percent} 为取现", zero="近90天没有取现", unknown="近90天没有支出"
    ),
    "weekend_share_90d": Words(
        "近90天本人交易中周末占 {percent}",
        zero="近90天周末没有本人交易",
        unknown="近90天没有本人交易",
    ),
    "recency_against_gap": Words(
        "距上次交易的时间为平常间隔的 {percent}", unknown="近365天不同时间的交易不足 2 笔"
    ),
    "net_flow_90d": Words("近90天收支相抵为 {}", zero="近90天收支相抵为零"),
    "debit_against_credit_90d": Words(
        "近90天支出为入账的 {percent}", zero="近90天没有支出", unknown="近90天没有入账"
    ),
    "largest_debit_share_90d": Words(
        "近90天最大一笔支出占全部支出的 {percent}", unknown="近90天没有支出"
    ),
    "fees_365d": Words("近365天支付手续费 {}", zero="近365天没有手续费"),
    "balance_min_90d": Words("近90天最低余额 {}", unknown="近90天余额未知"),
    "balance_max_365d": Words("近365天最高余额 {}", unknown="近365天余额未知"),
    "overdrawn_share_90d": Words(
        "近90天 {percent} 的交易后余额为负",
        zero="近90天余额从未为负",
        unknown="近90天余额未知",
    ),
    "balance_change_365d": Words(
        "近90天平均余额比近365天{apart}",
        zero="近90天平均余额与近365天相同",
        unknown="近90天余额未知",
    ),
    "balance_from_peak_365d": Words(
        "最近余额比近365天最高{apart}",
        zero="最近余额为近365天最高",
        unknown="近365天余额未知",
    ),
    "transactions_trend_365d": Words(
        "近90天交易笔数较全年平均{moved}",
        zero="近90天没有交易，此前有",
        unknown="近365天没有交易",
    ),
    "debit_trend_30d": Words(
        "近30天支出较近90天平均{moved}",
        zero="近30天没有支出，此前60天有",
        unknown="近90天没有支出",
    ),
    "credit_trend_30d": Words(
        "近30天入账较近90天平均{moved}",
        zero="近30天没有入账，此前60天有",
        unknown="近90天没有入账",
    ),
    "salary_mean_365d": Words("近365天工资或养老金平均 {}", unknown="近365天没有工资或养老金"),
    "salary_share_365d": Words(
        "近365天入账中工资或养老金占 {percent}",
        zero="近365天有入账，但没有工资或养老金",
        unknown="近365天没有入账",
    ),
    "salary_trend": Words(
        "近90天工资或养老金较全年平均{moved}",
        zero="近90天没有工资或养老金，此前有",
        unknown="近365天没有工资或养老金",
    ),
    "gap_mean_365d": Words("近365天平均每隔 {}交易一次", unknown="近365天交易不足 2 笔"),
    "gap_std_365d": Words(
        "近365天交易间隔上下波动 {}",
        zero="近365天交易间隔相同",
        unknown="近365天交易不足 3 笔",
    ),
    "balance_last": Words("最近一笔交易后余额 {}", unknown="最近一笔交易后余额未知"),
    "balance_usual": Words("通常余额 {}", unknown="通常余额未知"),
    "balance_change": Words(
        "近30天平均余额比近180天{apart}",
        zero="近30天平均余额与近180天相同",
        unknown="近30天余额未知",
    ),
    "debit_trend": Words(
        "近90天支出较全年平均{moved}",
        zero="近90天没有支出，此前有",
        unknown="近365天没有支出",
    ),
    "credit_trend": Words(
        "近90天入账较全年平均{moved}",
        zero="近90天没有入账，此前有",
        unknown="近365天没有入账",
    ),
    "salary_months_180d": Words("近180天有 {}收到工资或养老金", zero="近180天没有工资或养老金"),
    "salary_days_since": Words("距上次工资或养老金已 {}", unknown="近365天没有工资或养老金"),
    "salary_variation_365d": Words(
        "近365天工资或养老金上下波动 {percent}",
        zero="近365天工资或养老金每次相同",
        unknown="近365天工资或养老金不足 2 次",
    ),
    "products_held": Words("持有产品 {}", zero="没有持有产品"),
    "products_opened_365d": Words("近365天新开产品 {}", zero="近365天没有新开产品"),
    "products_closed_365d": Words("近365天销户产品 {}", zero="近365天没有产品销户"),
    "products_closed_90d": Words("近90天销户产品 {}", zero="近90天没有产品销户"),
    "products_kept_share": Words(
        "曾持有的产品中 {percent} 仍持有",
        zero="曾持有的产品都已销户",
        unknown="从未持有产品",
    ),
    "product_opened_days_since": Words("距上次新开产品已 {}", unknown="从未开过产品"),
    "product_closed_days_since": Words("距上次产品销户已 {}", unknown="从未有产品销户"),
    "has_savings": Words("持有储蓄", zero="没有持有储蓄"),
    "has_mobile": Words("持有手机银行", zero="没有持有手机银行"),
    "has_card": Words("持有银行卡", zero="没有持有银行卡"),
    "has_loan": Words("持有贷款", zero="没有持有贷款"),
    "open_complaints": Words("未办结投诉 {}", zero="没有未办结的投诉"),
    "open_complaint_days": Words("最早的未办结投诉已等候 {}", unknown="没有未办结的投诉"),
    "complaint_days_since": Words("距上次投诉已 {}", unknown="从未投诉"),
    "resolution_days_mean_365d": Words("近365天投诉平均 {}办结", unknown="近365天没有办结的投诉"),
    "satisfaction_last": Words("最近一次满意度 {}", unknown="从未评价满意度"),
    "satisfaction_mean_365d": Words("近365天满意度平均 {}", unknown="近365天没有评价满意度"),
    "home_outlet_km": Words("距归属网点 {}", zero="就在归属网点", unknown="距归属网点远近未知"),
    "nearest_outlet_km": Words(
        "距最近的营业网点 {}", zero="就在营业网点", unknown="50 公里内没有已知的营业网点"
    ),
    "customers_per_km2": Words("住处周围客户 {}", unknown="住处位置未知"),
    "tenure_days": Words("成为客户已 {}", unknown="成为客户多久未知"),
    "age_years": Words("年龄 {}", unknown="年龄未知"),
    "customer_occupation": Words("职业：{}", unknown="职业未知"),
    "customer_income_band": Words("收入档：{}", unknown="收入档未知"),
    "customer_kind": Words("客户类型：{}", unknown="客户类型未知"),
}

WORDS = ALONE | of_windows(IN_WINDOW)

# unit of the registry -> the measure word behind a number
UNITS = {
    "transactions": "笔",
    "months": "个月",
    "categories": "类",
    "channels": "个渠道",
    "counterparties": "个",
    "products": "个",
    "contacts": "次",
    "visits": "次",
    "complaints": "次",
    "points": "分",
    "km": "公里",
    "customers per km2": "人/平方公里",
    "years": "岁",
}
