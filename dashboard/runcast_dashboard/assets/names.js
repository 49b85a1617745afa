// What a metric's name says about it.

const SYSTEM = "_system/"; // As in runcast/names.py.

export const isSystem = (name) => !!name?.startsWith(SYSTEM);
