import { describe, expect, it } from 'vitest';

import { checkHistory } from './check-history.js';
import { done, found, recorded, revision } from './recorded.js';

describe('a right history', () => {
    it('passes', () => {
        const history = recorded(
            [
                done(0, 10, { kind: 'create', key: 'k', value: 'x' }, revision(3)),
                done(20, 30, { kind: 'get', key: 'k' }, found('x', 3)),
                done(40, 50, { kind: 'set', key: 'k', value: 'y' })
            ],
            { finalStates: { k: { value: 'y', revision: 5 } } }
        );
        expect(checkHistory(history)).toEqual([]);
    });
});
