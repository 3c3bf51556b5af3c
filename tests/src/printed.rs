//! What Feast's CLI prints, without the order that differs from run to run.

/// What was printed, apart from the order of what Python keeps in sets and Feast in its file: rows with their
/// continuation lines, branches of the tree with the labels above them, items of lists.
///
/// # Panics
/// When the text begins with a continuation line.
pub fn unordered(text: &str) -> Vec<String> {
    let mut rows: Vec<String> = Vec::new();
    let mut above: Vec<String> = Vec::new();
    for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
        let label = line.trim_start_matches([' ', '│', '├', '└', '─']);
        let depth = (line.chars().count() - label.chars().count()) / 4;
        if line.starts_with("  ") && !line.contains('─') {
            let row = rows.last_mut().expect("a row before its continuation");
            row.push('\n');
            row.push_str(line);
            continue;
        }
        above.truncate(depth);
        above.push(sorted_list(label));
        rows.push(above.join(" > "));
    }
    rows.sort();
    rows
}

/// `['b', 'a']` as `['a', 'b']`.
fn sorted_list(label: &str) -> String {
    let Some((before, list)) = label.split_once('[') else { return label.to_owned() };
    let mut items: Vec<&str> = list.trim_end_matches(']').split(", ").collect();
    items.sort_unstable();
    format!("{before}[{}]", items.join(", "))
}
