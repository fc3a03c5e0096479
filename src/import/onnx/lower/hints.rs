//! What to do about operators that are not supported.

/// How to export the network without `operator`, where that is known.
pub(super) fn unsupported(operator: &str) -> Option<&'static str> {
    let plain = operator.strip_prefix("com.microsoft.").unwrap_or(operator);
    Some(match plain {
        "ArgMax" | "ArgMin" | "TopK" | "Hardmax" => "export the logits, before classes are chosen",
        "NonMaxSuppression" | "NonZero" => "export only the part that computes one vector of logits for each sample",
        "If" | "Loop" | "Scan" => "export without control flow, by tracing",
        "LSTM" | "GRU" | "RNN" => "recurrent layers have no approximate counterpart",
        "DynamicQuantizeLinear" | "ConvInteger" | "MatMulInteger" | "DynamicQuantizeMatMul" | "QGemm" => QDQ,
        _ if plain.starts_with("QLinear") => QDQ,
        _ => return None,
    })
}

const QDQ: &str = "quantize statically in QDQ format, or export in floating point";
