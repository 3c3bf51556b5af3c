//! Trees as Feast's CLI prints them.

/// A label with what hangs below it.
#[derive(Debug, Clone)]
pub(crate) struct Tree {
    label: String,
    children: Vec<Tree>,
}

impl Tree {
    /// A label with these below it.
    pub(crate) fn new(label: impl Into<String>, children: Vec<Self>) -> Self {
        Self { label: label.into(), children }
    }

    /// One line per label, with branches drawn in front.
    pub(crate) fn to_text(&self) -> String {
        let mut lines = vec![self.label.clone()];
        self.below("", &mut lines);
        lines.join("\n")
    }

    fn below(&self, indent: &str, lines: &mut Vec<String>) {
        for (position, child) in self.children.iter().enumerate() {
            let is_last = position + 1 == self.children.len();
            let (branch, trunk) =
                if is_last { ("└── ", "    ") } else { ("├── ", "│   ") };
            lines.push(format!("{indent}{branch}{}", child.label));
            child.below(&format!("{indent}{trunk}"), lines);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_are_drawn() {
        let leaf = |label: &str| Tree::new(label, Vec::new());
        let tree = Tree::new(
            "permissions",
            vec![Tree::new("a", vec![leaf("x"), leaf("y")]), Tree::new("b", vec![leaf("z")])],
        );
        let expected = "\
permissions
├── a
│   ├── x
│   └── y
└── b
    └── z";
        assert_eq!(tree.to_text(), expected);
    }
}
