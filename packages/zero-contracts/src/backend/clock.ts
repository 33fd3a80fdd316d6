/**
 * Where a shard's numbers go on that must be above all it ever gave: the microseconds since the epoch right after this
 * moment. No shard that began at its clock has come that far, at less than a million tokens a second.
 */
export function microsecondsAfter(timeMs: number): number {
    return (timeMs + 1) * 1_000;
}
