// @ts-check
import { section } from '../shared/section.mjs';
import { measureAgainstRaw } from './against-raw.mjs';
import { measureManyTokens } from './many-tokens.mjs';
import { measureSideBySide } from './side-by-side.mjs';

/** @typedef {import('../shared/rounds.mjs').Settings} Settings */
/** @typedef {import('./against-raw.mjs').RawSettings} RawSettings */
/** @typedef {Settings & { againstRaw: RawSettings, manyTokens: number, known: number }} StoreSettings */

export const stores = section({
    name: 'stores',
    title: 'The stores side by side',
    text: 'The same operations on each store of this project, and the one on SQLite against its own statements.',
    settings: {
        full: {
            rounds: 5,
            windowMs: 400,
            warmUpMs: 300,
            againstRaw: { rounds: 11, windowMs: 400, warmUpMs: 1_000, keys: [1_000, 100_000] },
            manyTokens: 1_000_000,
            known: 1_000
        },
        quick: {
            rounds: 1,
            windowMs: 10,
            warmUpMs: 5,
            againstRaw: { rounds: 1, windowMs: 10, warmUpMs: 5, keys: [1_000] },
            manyTokens: 10_000,
            known: 50
        }
    },
    async measure(/** @type {StoreSettings} */ { againstRaw, manyTokens, ...settings }, context) {
        return [
            ...(await measureAgainstRaw(context.folder, againstRaw, context.say)),
            ...(await measureManyTokens(context.folder, manyTokens, context.say)),
            ...(await measureSideBySide(settings, context))
        ];
    }
});
