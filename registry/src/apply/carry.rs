//! What a written view takes over from the stored one.

use larder_core::{Transformation, ViewKind};

use crate::definitions::Object;

/// Keeps the pickled body of a function whose text did not change: Larder cannot make one, and older clients
/// cannot do without.
pub(super) fn bodies(new: &mut Object, old: &Object) {
    match (new, old) {
        (Object::FeatureView(new), Object::FeatureView(old)) => match (&mut new.kind, &old.kind) {
            (
                ViewKind::Stream { transformation: new, legacy_function: new_legacy, .. },
                ViewKind::Stream { transformation: old, legacy_function: old_legacy, .. },
            ) => {
                let same = body(new.as_mut(), old.as_ref());
                new_legacy.clone_from(&old_legacy.clone().filter(|_| same));
            }
            (
                ViewKind::Batch { transformation: new, .. },
                ViewKind::Batch { transformation: old, .. },
            ) => {
                body(new.as_mut(), old.as_ref());
            }
            _ => {}
        },
        (Object::OnDemandFeatureView(new), Object::OnDemandFeatureView(old)) => {
            body(new.transformation.as_mut(), old.transformation.as_ref());
        }
        _ => {}
    }
}

/// Whether the functions have the same text; the body is carried over then.
fn body(new: Option<&mut Transformation>, old: Option<&Transformation>) -> bool {
    let (
        Some(Transformation::Function { name, body, body_text, .. }),
        Some(Transformation::Function {
            name: old_name, body: old_body, body_text: old_text, ..
        }),
    ) = (new, old)
    else {
        return false;
    };
    let same = name == old_name && body_text == old_text;
    if same && body.is_empty() {
        body.clone_from(old_body);
    }
    same
}
