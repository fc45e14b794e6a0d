// The package's one door.
export {}
