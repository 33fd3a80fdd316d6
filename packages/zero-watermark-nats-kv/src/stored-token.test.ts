import { expect, test } from 'vitest';

import { type StoredToken, upToGap } from './stored-token.js';

const [one, two, three] = [1, 2, 3].map(sequence => ({ sequence })) as [StoredToken, StoredToken, StoredToken];

test('what stands between tokens and is none is left out', () => {
    expect(upToGap([one, undefined, two, three])).toEqual([one, two, three]);
    expect(upToGap([])).toEqual([]);
});

test('after a message that is missing nothing is taken: it may be missing only where that answer came from', () => {
    expect(upToGap([one, null, two, undefined, null, three])).toEqual([one]);
    expect(upToGap([null, one])).toEqual([]);
});
