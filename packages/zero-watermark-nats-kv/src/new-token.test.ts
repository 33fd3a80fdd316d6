import { expect, test } from 'vitest';

import { behindMissing, missingOf, type Placement, UnhashedToken } from './new-token.js';

const tokens = ['a', 'b', 'c', 'd'].map(token => new UnhashedToken(token));

function tokensThatAre(...there: readonly string[]): Map<string, Placement> {
    const placed = tokens.filter(({ resumeToken }) => there.includes(resumeToken));
    return new Map(placed.map(({ key }, index) => [key, { sequence: index + 1, isNew: false }]));
}

const named = (some: readonly { readonly resumeToken: string }[]) => some.map(({ resumeToken }) => resumeToken);

test.each([
    { there: [], missing: ['a', 'b', 'c', 'd'], behind: [] },
    { there: ['a', 'b'], missing: ['c', 'd'], behind: [] },
    { there: ['b', 'c'], missing: ['a', 'd'], behind: ['b', 'c'] },
    { there: ['a', 'd'], missing: ['b', 'c'], behind: ['d'] },
    { there: ['a', 'b', 'c', 'd'], missing: [], behind: [] }
])('of $there, $missing are missing, and $behind are behind one that is', ({ there, missing, behind }) => {
    const found = tokensThatAre(...there);
    expect(named(missingOf(tokens, found))).toEqual(missing);
    expect(named(behindMissing(tokens, found))).toEqual(behind);
});
