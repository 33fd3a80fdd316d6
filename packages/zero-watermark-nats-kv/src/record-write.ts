/** What to store: a value, or the marker that says that the value is gone (ADR-8). */
export interface RecordWrite {
    readonly payload: Uint8Array;
    readonly headers: readonly (readonly [string, string])[];
}

const NO_HEADERS: RecordWrite['headers'] = [];

/** A value, of which bytes are made when it is sent: many are not, because later ones take their places. */
export class SetWrite implements RecordWrite {
    readonly headers = NO_HEADERS;
    readonly #text: string;

    constructor(text: string) {
        this.#text = text;
    }

    get payload(): Uint8Array {
        return Buffer.from(this.#text);
    }
}

/** The marker. */
export const DELETE: RecordWrite = { payload: new Uint8Array(), headers: [['KV-Operation', 'DEL']] };
