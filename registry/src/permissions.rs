//! What permissions say about registry objects, with the rules by which Feast's servers enforce them.

use larder_core::{Error, Permission, Policy, Result, Tags};
use regex::Regex;

/// Classes that a permission may be about, by their number in `PermissionSpec.Type`.
pub(crate) const CLASSES: [&str; 12] = [
    "FeatureView",
    "OnDemandFeatureView",
    "BatchFeatureView",
    "StreamFeatureView",
    "Entity",
    "FeatureService",
    "DataSource",
    "ValidationReference",
    "SavedDataset",
    "Permission",
    "Project",
    "LabelView",
];

/// Actions, by their number in `PermissionSpec.AuthzedAction`.
pub(crate) const ACTIONS: [&str; 8] = [
    "CREATE",
    "DESCRIBE",
    "UPDATE",
    "DELETE",
    "READ_ONLINE",
    "READ_OFFLINE",
    "WRITE_ONLINE",
    "WRITE_OFFLINE",
];

/// Name of the class with this number; the number itself for one that a newer Feast knows.
pub fn class_name(number: i32) -> String {
    name_of(number, &CLASSES)
}

/// Name of the action with this number; the number itself for one that a newer Feast knows.
pub fn action_name(number: i32) -> String {
    name_of(number, &ACTIONS)
}

fn name_of(number: i32, names: &[&str]) -> String {
    let known = usize::try_from(number).ok().and_then(|index| names.get(index));
    known.map_or_else(|| number.to_string(), |name| (*name).to_owned())
}

/// A registry object as permissions see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Name.
    pub name: String,
    /// Class in Feast's Python; one of the classes of a permission, or a class of data sources.
    pub class: String,
    /// Whether it is a data source, of whatever class.
    pub is_data_source: bool,
    /// The tags that a permission wants, when the object is a permission itself.
    pub required_tags: Option<Tags>,
}

impl Resource {
    /// An object of a class that permissions name.
    pub fn new(name: impl Into<String>, class: impl Into<String>) -> Self {
        let (name, class) = (name.into(), class.into());
        Self { name, class, is_data_source: false, required_tags: None }
    }

    /// Whether the object is of the class with this number or of a descendant: batch and stream views are feature
    /// views, on-demand and label views are not.
    fn is_a(&self, number: i32) -> bool {
        match class_name(number).as_str() {
            "FeatureView" => {
                ["FeatureView", "BatchFeatureView", "StreamFeatureView"].contains(&&*self.class)
            }
            "DataSource" => self.is_data_source,
            class => self.class == class,
        }
    }
}

/// One permission, ready to be asked.
#[derive(Debug, Clone)]
pub struct Rule {
    permission: Permission,
    patterns: Vec<Regex>,
}

impl Rule {
    /// Compiles the name patterns of a permission.
    ///
    /// # Errors
    /// `Invalid` for a pattern that is no regular expression, or one that only Python's engine knows (look-around,
    /// back references).
    pub fn new(permission: Permission) -> Result<Self> {
        let compile = |pattern: &String| {
            Regex::new(&format!(r"\A(?:{pattern})\z")).map_err(|error| {
                let text = error.to_string();
                let why = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
                Error::invalid(format!(
                    "permission \"{}\": the name pattern \"{pattern}\" cannot be used: {why}",
                    permission.name
                ))
                .with_hint("patterns have no look-around and no back references here")
            })
        };
        let patterns = permission.name_patterns.iter().map(compile).collect::<Result<_>>()?;
        Ok(Self { permission, patterns })
    }

    /// The permission.
    pub fn permission(&self) -> &Permission {
        &self.permission
    }

    /// The roles that it names; empty for other policies.
    pub fn roles(&self) -> &[String] {
        match &self.permission.policy {
            Some(Policy::Roles(roles)) => roles,
            _ => &[],
        }
    }

    /// Whether it is about an object: its class, and its whole name, which one pattern must match if there are any.
    ///
    /// Feast 0.67 compares `required_tags` with the `required_tags` of the object, which permissions alone have: for
    /// all other objects they are ignored.
    pub fn matches(&self, resource: &Resource) -> bool {
        let wanted = &self.permission.required_tags;
        self.permission.types.iter().any(|&number| resource.is_a(number))
            && (self.patterns.is_empty()
                || self.patterns.iter().any(|pattern| pattern.is_match(&resource.name)))
            && resource.required_tags.as_ref().is_none_or(|tags| {
                wanted.is_empty()
                    || tags.is_empty()
                    || wanted.iter().all(|(key, value)| tags.get(key) == Some(value))
            })
    }

    fn allows(&self, action: i32) -> bool {
        self.permission.actions.contains(&action)
    }

    /// Whether a user who has this role, and no group or namespace, passes the policy.
    fn admits(&self, role: &str) -> bool {
        match &self.permission.policy {
            Some(Policy::Roles(roles)) => roles.iter().any(|known| known == role),
            Some(_) => false,
            None => true,
        }
    }
}

/// Actions on an object that no rule is about, by number.
pub fn unsecured_actions(rules: &[Rule], resource: &Resource) -> Vec<i32> {
    let matching: Vec<&Rule> = rules.iter().filter(|rule| rule.matches(resource)).collect();
    all_actions().filter(|&action| !matching.iter().any(|rule| rule.allows(action))).collect()
}

/// Actions on an object that a role is granted, by number: one rule that grants is enough, an action that no rule is
/// about is not granted.
pub fn permitted_actions(rules: &[Rule], resource: &Resource, role: &str) -> Vec<i32> {
    let matching: Vec<&Rule> = rules.iter().filter(|rule| rule.matches(resource)).collect();
    let granted = |action: &i32| matching.iter().any(|it| it.allows(*action) && it.admits(role));
    all_actions().filter(granted).collect()
}

/// Every role that a rule names, sorted.
pub fn roles(rules: &[Rule]) -> Vec<&str> {
    let mut all: Vec<&str> = rules.iter().flat_map(Rule::roles).map(String::as_str).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn all_actions() -> impl Iterator<Item = i32> {
    (0..).take(ACTIONS.len())
}

#[cfg(test)]
mod tests {
    use larder_core::ErrorKind;

    use super::*;

    fn rule(types: &[i32], patterns: &[&str], actions: &[i32], policy: Option<Policy>) -> Rule {
        let permission = Permission {
            name: "p".to_owned(),
            types: types.to_vec(),
            name_patterns: patterns.iter().map(|pattern| (*pattern).to_owned()).collect(),
            actions: actions.to_vec(),
            policy,
            ..Permission::default()
        };
        Rule::new(permission).unwrap()
    }

    #[test]
    fn a_class_covers_its_descendants() {
        for (number, class, expected) in [
            (0, "FeatureView", true),
            (0, "BatchFeatureView", true),
            (0, "StreamFeatureView", true),
            (0, "OnDemandFeatureView", false),
            (0, "LabelView", false),
            (2, "FeatureView", false),
            (2, "BatchFeatureView", true),
            (11, "LabelView", true),
            (6, "FileSource", false),
        ] {
            let rule = rule(&[number], &[], &[0], None);
            assert_eq!(rule.matches(&Resource::new("v", class)), expected, "{number} {class}");
        }
        let source = Resource { is_data_source: true, ..Resource::new("s", "FileSource") };
        assert!(rule(&[6], &[], &[0], None).matches(&source));
    }

    #[test]
    fn patterns_match_whole_names() {
        let rule = rule(&[0], &["user_.*", "a|b"], &[0], None);
        for (name, expected) in
            [("user_x", true), ("my_user_x", false), ("a", true), ("b", true), ("ab", false)]
        {
            assert_eq!(rule.matches(&Resource::new(name, "FeatureView")), expected, "{name}");
        }
    }

    #[test]
    fn a_pattern_that_cannot_be_used_is_an_error() {
        for pattern in ["(", "(?=x)y", r"(a)\1"] {
            let permission = Permission {
                name: "p".to_owned(),
                name_patterns: vec![pattern.to_owned()],
                ..Permission::default()
            };
            assert_eq!(Rule::new(permission).unwrap_err().kind(), ErrorKind::Invalid, "{pattern}");
        }
    }

    #[test]
    fn required_tags_are_compared_with_those_of_permissions_only() {
        let tags = |value: &str| Tags::from([("team".to_owned(), value.to_owned())]);
        let permission = Permission {
            types: vec![0, 9],
            required_tags: tags("a"),
            actions: vec![0],
            ..Permission::default()
        };
        let rule = Rule::new(permission).unwrap();
        let permission = |value: &str| Resource {
            required_tags: Some(tags(value)),
            ..Resource::new("q", "Permission")
        };
        assert!(rule.matches(&Resource::new("v", "FeatureView")));
        assert!(rule.matches(&permission("a")));
        assert!(!rule.matches(&permission("b")));
    }

    #[test]
    fn one_rule_that_grants_is_enough() {
        let roles = |names: &[&str]| {
            Some(Policy::Roles(names.iter().map(|name| (*name).to_owned()).collect()))
        };
        let rules = [
            rule(&[0], &[], &[1, 4], roles(&["reader"])),
            rule(&[0], &[], &[1, 2], roles(&["writer", "reader"])),
            rule(&[0], &[], &[3], Some(Policy::Groups(vec!["reader".to_owned()]))),
            rule(&[0], &[], &[5], None),
            rule(&[4], &[], &[0], roles(&["reader"])),
        ];
        let view = Resource::new("v", "FeatureView");
        assert_eq!(permitted_actions(&rules, &view, "reader"), [1, 2, 4, 5]);
        assert_eq!(permitted_actions(&rules, &view, "writer"), [1, 2, 5]);
        assert_eq!(permitted_actions(&rules, &view, "nobody"), [5]);
        assert_eq!(unsecured_actions(&rules, &view), [0, 6, 7]);
        assert_eq!(self::roles(&rules), ["reader", "writer"]);
    }
}
