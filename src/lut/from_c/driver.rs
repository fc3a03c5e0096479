//! The program that calls a model for every pair of operands, in C.
//!
//! It is compiled from two units. One is the model and a function around its own; nothing else is declared
//! there but the names of integer types, so that whatever the model calls its functions and variables, they
//! are its own. The other is the loop that writes the products down.

use super::Plan;
use super::signature::Signature;
use crate::kernel::Signedness;
use std::fmt::Write as _;
use std::path::Path;

/// The model's own text, as the unit below includes it.
pub(super) const SOURCE: &str = "source.c";
/// The model's unit.
pub(super) const MODEL: &str = "model.c";
/// The loop's.
pub(super) const DRIVER: &str = "driver.c";

/// The model's text, by whose name the compiler's messages go.
pub(super) fn source(path: &Path, text: &[u8]) -> Vec<u8> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let plain = |c: char| if c.is_control() || matches!(c, '"' | '\\' | '?') { '_' } else { c };
    let name: String = name.chars().map(plain).collect();
    [format!("#line 1 \"{name}\"\n").as_bytes(), text, b"\n"].concat()
}

/// A name that `text` does not have.
pub(super) fn unused_name(text: &str) -> String {
    let mut names = (0u32..).map(|number| format!("approx_eval_{number}"));
    names.find(|name| !text.contains(name.as_str())).expect("a text has finitely many names")
}

/// The unit of the model: its text, and the function `name` around its own.
pub(super) fn model(name: &str, signature: &Signature) -> String {
    let arguments = if signature.is_swapped { format!("{name}_b, {name}_a") } else { format!("{name}_a, {name}_b") };
    let function = &signature.name;
    format!(
        "#include <stdint.h>\n#define main {name}_main\n#include \"{SOURCE}\"\n#undef main\n\
         long long {name}(long long {name}_a, long long {name}_b) {{ return (long long){function}({arguments}); }}\n"
    )
}

/// The unit with `main`, which writes all products as 64-bit integers to the file it is given.
pub(super) fn driver(name: &str, plan: Plan) -> String {
    let kind = if plan.counts_signed { Signedness::Signed } else { Signedness::Unsigned };
    let loops = plan.bits.map(|bits| bits.range(kind));
    let mut text = format!("#include <stdio.h>\nlong long {name}(long long, long long);\n");
    let _ = writeln!(text, "int main(int count, char **names) {{");
    let _ = writeln!(text, "  FILE *out = count == 2 ? fopen(names[1], \"wb\") : 0;\n  if (!out) return 3;");
    for (operand, range) in ["a", "b"].iter().zip(&loops) {
        let _ = writeln!(
            text,
            "  for (long long {operand} = {}; {operand} <= {}; {operand}++)",
            range.start(),
            range.end()
        );
    }
    let _ = writeln!(text, "    {{ long long product = {name}(a, b);");
    let _ = writeln!(text, "      if (fwrite(&product, sizeof product, 1, out) != 1) return 4; }}");
    let _ = writeln!(text, "  return fclose(out) ? 5 : 0;\n}}");
    text
}
