import { expect, test } from 'vitest';

import { formatPosition, parsePosition } from './position.js';

test('a position is written and read', () => {
    const position = { created: '2025-01-02T03:04:05.123456789Z', sequence: 42, storedAt: 1735787045123 };
    expect(formatPosition(position)).toBe('2025-01-02T03:04:05.123456789Z@42@1735787045123');
    expect(parsePosition(formatPosition(position))).toEqual(position);
});

test.each(['', '@1@2', 'x@', 'x@1', 'x@-1@2', 'x@1.5@2', 'x@1@2@3', '42'])('%j is none', text => {
    expect(parsePosition(text)).toBeUndefined();
});
