"""What a tensor is and how it computes: storage, views, dispatch, tape, bindings."""
