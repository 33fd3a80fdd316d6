/** Groups values by what they have in common, in their order. */
export function groupBy<Value, Group>(
    values: Iterable<Value>,
    groupOf: (value: Value) => Group
): ReadonlyMap<Group, readonly Value[]> {
    const groups = new Map<Group, Value[]>();
    for (const value of values) {
        const name = groupOf(value);
        const group = groups.get(name);
        if (group === undefined) {
            groups.set(name, [value]);
        } else {
            group.push(value);
        }
    }
    return groups;
}
