/** Whether two values that JSON can hold are the same, whatever the order of properties. `-0` is `0`, as in JSON. */
export function sameJson(a: unknown, b: unknown): boolean {
    if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) {
        return a === b;
    }
    const [some, others] = [new Map(Object.entries(a)), new Map(Object.entries(b))];
    return (
        Array.isArray(a) === Array.isArray(b) &&
        some.size === others.size &&
        [...some].every(([name, value]) => others.has(name) && sameJson(value, others.get(name)))
    );
}
