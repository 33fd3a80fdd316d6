// @ts-check
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** Chance that comes out the same for the same seed. */
export class Random {
    #generator;

    /** @param {number} seed a whole number */
    constructor(seed) {
        this.#generator = xoroshiro128plus(seed);
    }

    /**
     * A whole number, both ends included.
     *
     * @param {number} lowest
     * @param {number} highest
     */
    whole(lowest, highest) {
        return uniformInt(this.#generator, lowest, highest);
    }

    /** @param {number} probability */
    chance(probability) {
        return this.whole(1, 1_000_000) <= probability * 1_000_000;
    }

    /**
     * @template T
     * @param {readonly [T, ...T[]]} list
     * @returns {T}
     */
    pick(list) {
        return list[this.whole(0, list.length - 1)] ?? list[0];
    }

    /**
     * One of the names, each as often as its weight says.
     *
     * @template {string} Name
     * @param {Readonly<Record<Name, number>>} weights whole numbers
     * @returns {Name}
     */
    weighted(weights) {
        const entries = /** @type {[Name, number][]} */ (Object.entries(weights));
        let left = this.whole(
            1,
            entries.reduce((sum, [, weight]) => sum + weight, 0)
        );
        for (const [name, weight] of entries) {
            left -= weight;
            if (left <= 0) {
                return name;
            }
        }
        throw new RangeError('there is nothing to choose from');
    }

    /**
     * @template T
     * @param {readonly T[]} list
     * @returns {T[]}
     */
    shuffled(list) {
        return list
            .map(value => ({ value, place: this.whole(0, 0x7fffffff) }))
            .toSorted((a, b) => a.place - b.place)
            .map(({ value }) => value);
    }

    /** Another source, which does not depend on how often this one is asked later. */
    fork() {
        return new Random(this.whole(0, 0x7fffffff));
    }
}
