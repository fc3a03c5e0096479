//! Circuits, which people take for tables: named for what they are.

use std::path::Path;

/// What a hardware description is, if `path` or the text says that it is one.
pub fn circuit(path: &Path, bytes: &[u8]) -> Option<&'static str> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let named = match extension.to_ascii_lowercase().as_str() {
        "v" | "sv" | "vh" | "svh" => Some("Verilog"),
        "vhd" | "vhdl" => Some("VHDL"),
        "blif" => Some("a BLIF netlist"),
        "edf" | "edif" => Some("an EDIF netlist"),
        _ => None,
    };
    let has_line = |start: &str| {
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        text.lines().any(|line| line.trim_start().starts_with(start))
    };
    named
        .or_else(|| has_line("endmodule").then_some("Verilog"))
        .or_else(|| has_line(".model ").then_some("a BLIF netlist"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;

    #[test]
    fn circuits_are_known_by_name_and_text() {
        let cases = [
            ("a/MUL8.V", "", Some("Verilog")),
            ("mul8.vhd", "", Some("VHDL")),
            ("mul8.txt", "// m\nmodule m(a, b, o);\nendmodule\n", Some("Verilog")),
            ("mul8", ".model mul8\n.inputs a b\n", Some("a BLIF netlist")),
            ("mul8.csv", "0,1\n", None),
        ];
        for_each_case(cases, |(path, text, expected)| {
            assert_eq!(circuit(Path::new(path), text.as_bytes()), expected);
        });
    }
}
