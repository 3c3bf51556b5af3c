//! `fs permissions`: list, describe, check, list-roles.

mod resources;

use anstyle::{AnsiColor, Style};
use clap::{Args, Subcommand};
use larder_core::{Permission, Policy, Result};
use larder_proto::convert::permission_from_proto;
use larder_registry::permissions::{
    Rule, action_name, class_name, permitted_actions, roles, unsecured_actions,
};
use serde_json::{Value, json};

use super::describe::{Kind, TagFilter, filtered, find};
use crate::output::{self, Cell, OutputFormat, Table, Tree};
use crate::report;
use crate::repository::Repository;

/// What to do with permissions.
#[derive(Debug, Subcommand)]
pub(crate) enum PermissionCommand {
    /// List all.
    List(List),
    /// Show one.
    Describe {
        /// Name of the permission.
        name: String,
    },
    /// Show which objects, and which actions on them, no permission is about.
    Check,
    /// List the roles that permissions name.
    ListRoles {
        /// Show the actions that every role may do, object by object.
        #[arg(short, long)]
        verbose: bool,
    },
}

/// Which permissions are listed, and how.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Show the objects that each permission is about.
    #[arg(short, long)]
    verbose: bool,
    #[command(flatten)]
    filter: TagFilter,
}

pub(crate) fn run(
    repository: &Repository,
    command: &PermissionCommand,
    format: OutputFormat,
) -> Result<()> {
    match command {
        PermissionCommand::List(arguments) if arguments.verbose => {
            list_matches(repository, &arguments.filter, format)
        }
        PermissionCommand::List(arguments) => list(repository, &arguments.filter, format),
        PermissionCommand::Describe { name } => {
            output::object(&find(repository, Kind::Permission, name)?, format)
        }
        PermissionCommand::Check => check(repository, format),
        PermissionCommand::ListRoles { verbose: false } => list_roles(repository, format),
        PermissionCommand::ListRoles { verbose: true } => list_granted(repository, format),
    }
}

/// The permissions with these tags, in name order.
fn permissions(repository: &Repository, filter: &TagFilter) -> Result<Vec<Permission>> {
    let (file, project) = (repository.registry_file()?, repository.project()?);
    let listed = filtered(file, Kind::Permission, project, filter)?;
    let list = Kind::Permission.list();
    let stored = listed.iter().filter_map(|(name, _)| file.find(list, project, name));
    stored.map(|stored| Ok(permission_from_proto(stored.decode()?))).collect()
}

fn rules(repository: &Repository, filter: &TagFilter) -> Result<Vec<Rule>> {
    permissions(repository, filter)?.into_iter().map(Rule::new).collect()
}

fn names(numbers: &[i32], name: fn(i32) -> String) -> Vec<String> {
    numbers.iter().map(|&number| name(number)).collect()
}

fn list(repository: &Repository, filter: &TagFilter, format: OutputFormat) -> Result<()> {
    let header = ["NAME", "TYPES", "NAME_PATTERNS", "ACTIONS", "ROLES", "REQUIRED_TAGS"];
    let mut table = Table::new(header);
    for permission in permissions(repository, filter)? {
        table.push(row(permission));
    }
    output::table(&table, format)
}

fn row(permission: Permission) -> [Cell; 6] {
    let roles = match &permission.policy {
        Some(Policy::Roles(roles)) => sorted(roles),
        _ => Vec::new(),
    };
    let tags = permission.required_tags.iter();
    let tags = Cell::lines(tags.map(|(key, value)| format!("{key} : {value}")).collect());
    [
        permission.name.into(),
        Cell::lines(names(&permission.types, class_name)),
        Cell::lines(permission.name_patterns),
        Cell::lines(names(&permission.actions, action_name)),
        Cell::lines(roles),
        tags.valued(json!(permission.required_tags)),
    ]
}

/// Feast explains the tree before it prints it.
const EXAMPLE: [(&str, &[&str]); 3] = [
    (
        "permission_1 ['role names list']",
        &["FeatureView: ['feature view names']", "FeatureService: none", ".."],
    ),
    ("permission_2 ['role names list']", &[]),
    ("..", &[]),
];

fn list_matches(repository: &Repository, filter: &TagFilter, format: OutputFormat) -> Result<()> {
    let mut all = Vec::new();
    for rule in rules(repository, filter)? {
        all.push((resources::matched(repository, filter, &rule)?, rule));
    }
    if format == OutputFormat::Json {
        let object = |(matched, rule): &(Vec<(String, Vec<String>)>, Rule)| {
            let resources: serde_json::Map<String, Value> =
                matched.iter().map(|(class, names)| (class.clone(), json!(names))).collect();
            json!({
                "name": rule.permission().name,
                "roles": sorted(rule.roles()),
                "resources": resources,
            })
        };
        return output::json(&all.iter().map(object).collect(), 2);
    }
    let children = all.iter().map(|(matched, rule)| {
        let roles = sorted(rule.roles());
        let name = &rule.permission().name;
        let label =
            if roles.is_empty() { name.clone() } else { format!("{name} {}", python_list(&roles)) };
        let leaf = |(class, names): &(String, Vec<String>)| {
            Tree::new(leaf_label(class, names), Vec::new())
        };
        Tree::new(label, matched.iter().map(leaf).collect())
    });
    explain()?;
    output::line("Permissions:\n")?;
    output::line(Tree::new("permissions", children.collect()).to_text())
}

/// Feast writes no colon before the names of views.
fn leaf_label(class: &str, names: &[String]) -> String {
    match names {
        [] => format!("{class}: none"),
        names if class.ends_with("View") => format!("{class} {}", python_list(names)),
        names => format!("{class}: {}", python_list(names)),
    }
}

fn explain() -> Result<()> {
    const GREEN: Style = AnsiColor::Green.on_default().bold();
    const WHITE: Style = AnsiColor::White.on_default().bold();
    const DIM: Style = Style::new().dimmed();
    let leaf = |label: &&str| Tree::new(*label, Vec::new());
    let examples =
        EXAMPLE.iter().map(|(name, below)| Tree::new(*name, below.iter().map(leaf).collect()));
    let tree = Tree::new("permissions", examples.collect()).to_text();
    output::line(format!(
        "\n{GREEN}The structure of the {WHITE}feast-permissions list --verbose {GREEN}command will be as in the \
         following example:\n\n{DIM}For example: {DIM:#}{GREEN}\n\n{tree}\n\n{}{GREEN:#}\n",
        "-".repeat(205)
    ))
}

fn sorted(names: &[String]) -> Vec<String> {
    let mut names = names.to_vec();
    names.sort();
    names.dedup();
    names
}

/// A list of texts as Python prints it.
fn python_list(names: &[String]) -> String {
    let quoted = names.iter().map(|name| {
        let quote = if name.contains('\'') && !name.contains('"') { '"' } else { '\'' };
        format!("{quote}{}{quote}", name.replace('\\', "\\\\"))
    });
    format!("[{}]", quoted.collect::<Vec<_>>().join(", "))
}

const UNSECURED: &str = "The following resources are not secured by any permission configuration:";
const UNSECURED_ACTIONS: &str = "The following actions are not secured by any permission configuration (Note: this might not be a security concern, depending on the used APIs):";

fn check(repository: &Repository, format: OutputFormat) -> Result<()> {
    const RED: Style = AnsiColor::Red.on_default().bold();
    let rules = rules(repository, &TagFilter::default())?;
    let mut resources_table = Table::new(["NAME", "TYPE"]);
    let mut actions_table = Table::new(["NAME", "TYPE", "UNSECURED ACTIONS"]);
    for resource in resources::all(repository, &TagFilter::default())? {
        let (name, class) = (resource.name.as_str(), resource.class.as_str());
        if !rules.iter().any(|rule| rule.matches(&resource)) {
            resources_table.push([name.into(), class.into()]);
        }
        let actions = unsecured_actions(&rules, &resource);
        if !actions.is_empty() {
            let actions = Cell::lines(names(&actions, action_name));
            actions_table.push([name.into(), class.into(), actions]);
        }
    }
    for rule in rules.iter().filter(|rule| !rule.permission().required_tags.is_empty()) {
        report::warning(format_args!(
            "permission \"{}\" has required_tags, which Feast 0.67 compares with those of permissions only",
            rule.permission().name
        ));
    }
    if format == OutputFormat::Json {
        let both = json!({
            "unsecured_resources": resources_table.to_json(),
            "unsecured_actions": actions_table.to_json(),
        });
        return output::json(&both, 2);
    }
    output::line(format!("{RED}{UNSECURED}{RED:#}\n{}", resources_table.to_text()))?;
    output::line(format!("{RED}{UNSECURED_ACTIONS}{RED:#}\n{}", actions_table.to_text()))
}

fn list_roles(repository: &Repository, format: OutputFormat) -> Result<()> {
    let rules = rules(repository, &TagFilter::default())?;
    let mut table = Table::new(["ROLE NAME"]);
    for role in roles(&rules) {
        table.push([role.into()]);
    }
    match format {
        OutputFormat::Table => output::line(table.to_grid()),
        OutputFormat::Json => output::table(&table, format),
    }
}

fn list_granted(repository: &Repository, format: OutputFormat) -> Result<()> {
    let rules = rules(repository, &TagFilter::default())?;
    let resources = resources::all(repository, &TagFilter::default())?;
    let header = ["ROLE NAME", "RESOURCE NAME", "RESOURCE TYPE", "PERMITTED ACTIONS"];
    let mut table = Table::new(header);
    for role in roles(&rules) {
        for resource in &resources {
            let actions = permitted_actions(&rules, resource, role);
            table.push([
                role.into(),
                resource.name.as_str().into(),
                resource.class.as_str().into(),
                Cell::lines(names(&actions, action_name)),
            ]);
        }
    }
    output::table(&table, format)
}
