//! What to do about operators that no classifier needs, or that another export goes without.

/// The export that goes without `operator`; empty where none is known.
pub(super) fn of(operator: &str) -> &'static str {
    let plain = operator.strip_prefix("com.microsoft.").unwrap_or(operator);
    match plain {
        "ArgMax" | "ArgMin" | "TopK" | "Hardmax" => ": export the logits, before classes are chosen",
        "NonMaxSuppression" | "NonZero" => ": export the network of one row of logits a sample alone",
        "If" | "Loop" | "Scan" => ": export without control flow, by tracing",
        "LSTM" | "GRU" | "RNN" => ": recurrent layers have no approximate form",
        "DynamicQuantizeLinear" | "ConvInteger" | "MatMulInteger" | "DynamicQuantizeMatMul" => {
            ": quantize statically in QDQ format, or export in floating point"
        }
        _ if plain.starts_with("QLinear") || plain == "QGemm" => {
            ": quantize statically in QDQ format, or export in floating point"
        }
        _ => "",
    }
}
