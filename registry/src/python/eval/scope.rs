//! Variables of modules, functions and class bodies.

use std::cell::RefCell;
use std::rc::Rc;

use indexmap::{IndexMap, IndexSet};

use super::value::{Value, bury_variables};

/// Variables by name, in order of first assignment.
pub(crate) type Variables = IndexMap<Rc<str>, Value>;

/// One scope and the scopes around it.
pub(crate) struct Scope {
    variables: RefCell<Variables>,
    /// The scope around it; `None` for a module.
    parent: Option<Rc<Scope>>,
    /// Names that `global` or `nonlocal` moved outwards, with whether to the module.
    moved: RefCell<IndexSet<Rc<str>>>,
    global_names: RefCell<IndexSet<Rc<str>>>,
    /// Class bodies are not visible from the functions inside them.
    class_body: bool,
}

impl Scope {
    pub(crate) fn module() -> Rc<Self> {
        Self::new(None, false)
    }

    pub(crate) fn inside(parent: &Rc<Self>) -> Rc<Self> {
        Self::new(Some(Rc::clone(parent)), false)
    }

    pub(crate) fn class(parent: &Rc<Self>) -> Rc<Self> {
        Self::new(Some(Rc::clone(parent)), true)
    }

    fn new(parent: Option<Rc<Self>>, class_body: bool) -> Rc<Self> {
        Rc::new(Self {
            variables: RefCell::default(),
            parent,
            moved: RefCell::default(),
            global_names: RefCell::default(),
            class_body,
        })
    }

    /// The value that a name stands for here.
    pub(crate) fn get(&self, name: &str) -> Option<Value> {
        if let Some(value) = self.variables.borrow().get(name) {
            return Some(value.clone());
        }
        let mut scope = self.parent.as_deref();
        while let Some(outer) = scope {
            if !outer.class_body
                && let Some(value) = outer.variables.borrow().get(name)
            {
                return Some(value.clone());
            }
            scope = outer.parent.as_deref();
        }
        None
    }

    /// Assigns a name here, or where `global` and `nonlocal` sent it.
    pub(crate) fn set(&self, name: &str, value: Value) {
        if self.global_names.borrow().contains(name) {
            return self.global().set_here(name, value);
        }
        if self.moved.borrow().contains(name) {
            let mut scope = self.parent.as_deref();
            while let Some(outer) = scope {
                if outer.parent.is_some() && outer.has(name) {
                    return outer.set_here(name, value);
                }
                scope = outer.parent.as_deref();
            }
        }
        self.set_here(name, value);
    }

    fn set_here(&self, name: &str, value: Value) {
        let replaced = self.variables.borrow_mut().insert(Rc::from(name), value);
        drop(replaced);
    }

    /// Whether the name is assigned in this very scope.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.variables.borrow().contains_key(name)
    }

    /// `del name`; whether it was there.
    pub(crate) fn remove(&self, name: &str) -> bool {
        let removed = self.variables.borrow_mut().shift_remove(name);
        removed.is_some()
    }

    /// `nonlocal name`, or `global name`.
    pub(crate) fn send_outwards(&self, name: &str, to_module: bool) {
        let names = if to_module { &self.global_names } else { &self.moved };
        names.borrow_mut().insert(Rc::from(name));
    }

    /// The module's scope.
    pub(crate) fn global(&self) -> &Self {
        let mut scope = self;
        while let Some(outer) = scope.parent.as_deref() {
            scope = outer;
        }
        scope
    }

    /// Whether this is a module's scope.
    pub(crate) fn is_module(&self) -> bool {
        self.parent.is_none()
    }

    /// The names assigned in this very scope, in order.
    pub(crate) fn names(&self) -> Vec<Rc<str>> {
        self.variables.borrow().keys().cloned().collect()
    }

    /// Takes all variables out. Functions and their module refer to each other: this ends it.
    pub(crate) fn clear(&self) {
        let mut variables = std::mem::take(&mut *self.variables.borrow_mut());
        bury_variables(&mut variables);
    }

    /// A copy of the variables, for class bodies.
    pub(crate) fn variables(&self) -> Variables {
        self.variables.borrow().clone()
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        bury_variables(self.variables.get_mut());
    }
}
