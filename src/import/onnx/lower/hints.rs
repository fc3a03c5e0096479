//! What to do about operators that are not supported.

/// How to export the network without `operator`, where that is known.
pub(super) fn unsupported(operator: &str) -> Option<&'static str> {
    let name = operator.rsplit('.').next().unwrap_or(operator);
    Some(match name {
        "ArgMax" | "ArgMin" | "TopK" | "Hardmax" => "export the logits, before classes are chosen",
        "NonMaxSuppression" | "NonZero" => "export only the part that computes one vector of logits for each sample",
        "If" | "Loop" | "Scan" => "export without control flow, by tracing",
        "LSTM" | "GRU" | "RNN" => "recurrent layers have no approximate counterpart",
        "DynamicQuantizeLinear" | "DynamicQuantizeMatMul" | "DynamicQuantizeLSTM" | "MatMulIntegerToFloat" => {
            "its scales depend on the images: quantize statically, in QDQ or QOperator format, or export in floating \
             point"
        }
        "BipolarQuant" => "numbers of one bit have no multiplier: quantize to 2 to 8 bits by Quant",
        "Trunc" => "quantize the averages by Quant instead, which rounds once",
        "FloatQuant" => "multipliers take integers: quantize by Quant",
        _ if name.starts_with("QLinear") => "quantize statically in QDQ format, or export in floating point",
        _ => return None,
    })
}
