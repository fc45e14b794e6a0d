// In place of a module that nothing here uses.
export {}
