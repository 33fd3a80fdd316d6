/** What is no string, whatever the types say. */
export const notStrings = [
    undefined,
    null,
    0,
    42n,
    {},
    [],
    Symbol('no string'),
    () => {}
] as unknown as readonly string[];
