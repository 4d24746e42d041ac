//! The identity of types, whatever their lifetimes.

use core::any::TypeId;
use core::marker::PhantomData;

/// The type's identity without its lifetimes: types that differ in nothing else have one layout. (As the crate `typeid`
/// does it.)
pub(crate) fn type_id<T: ?Sized>() -> TypeId {
    trait NonStatic {
        fn type_id(&self) -> TypeId
        where
            Self: 'static;
    }

    impl<T: ?Sized> NonStatic for PhantomData<T> {
        fn type_id(&self) -> TypeId
        where
            Self: 'static,
        {
            TypeId::of::<T>()
        }
    }

    let phantom: &dyn NonStatic = &PhantomData::<T>;
    // SAFETY: only the bound of the trait object changes. The one method, above, uses nothing but the type's identity,
    // which does not depend on lifetimes.
    let phantom =
        unsafe { core::mem::transmute::<&dyn NonStatic, &(dyn NonStatic + 'static)>(phantom) };
    phantom.type_id()
}
