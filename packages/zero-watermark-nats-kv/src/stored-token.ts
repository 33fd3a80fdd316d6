import { isLexiVersion, type LexiVersion } from '@cbnsndwch/zero-contracts';
import { type TokenEntry, tokenEntry, watermarkOf } from '@cbnsndwch/zero-contracts/backend';

/** Entries under two-part keys that begin with this say something about the stream; they hold no token. */
export const MARKER = 'marker.';

/** Keys of entries at which a sync began: their tokens may have entries of their own. */
const SYNC = 'sync.';
const IMPORTED_SYNC = `${SYNC}imported-`;
/** What {@link syncKey} makes of a `nuid`. Nothing else tells that a sync is ours. */
const OWN_SYNC = /^sync\.[0-9A-Za-z]{22}$/;

/** A stored token. */
export interface StoredToken {
    readonly sequence: number;
    readonly watermark: LexiVersion;
    readonly resumeToken: string;
    /** Whether a sync began there. */
    readonly sync: boolean;
    /** Whether the watermark was imported. If not, it is the token's place in the stream. */
    readonly imported: boolean;
}

/** The key under which a sync is stored. */
export function syncKey(unique: string): string {
    return SYNC + unique;
}

export function isSyncKey(key: string): boolean {
    return key.startsWith(SYNC);
}

/**
 * How an imported token is stored: its watermark before it, `<watermark> <token>`, under the key of the token alone. So
 * who would store the token anew finds it there, and nobody can take the two for a token of their own, which would stand
 * under another key.
 */
export function importedEntry(watermark: LexiVersion, resumeToken: string, sync: boolean): TokenEntry {
    const { key, check } = tokenEntry(resumeToken);
    const payload = new TextEncoder().encode(`${watermark} ${resumeToken}`);
    return { key: sync ? IMPORTED_SYNC + watermark : key, payload, check };
}

/** Reads an entry; `undefined`: it is no token. */
export function readToken(key: string, sequence: number, data: Uint8Array): StoredToken | undefined {
    if (key.startsWith(MARKER)) {
        return undefined;
    }
    const text = textOf(data);
    if (text === undefined || text === '') {
        return undefined;
    }
    const sync = isSyncKey(key);
    const entry = tokenEntry(text);
    if (sync ? OWN_SYNC.test(key) : entry.key === key) {
        const watermark = watermarkOf(sequence, entry.check);
        return { sequence, watermark, resumeToken: text, sync, imported: false };
    }
    const space = text.indexOf(' ');
    const [watermark, resumeToken] = [text.slice(0, space), text.slice(space + 1)];
    const isOurs = isLexiVersion(watermark) && importedEntry(watermark, resumeToken, sync).key === key;
    return isOurs ? { sequence, watermark, resumeToken, sync, imported: true } : undefined;
}

/** The text in bytes; `undefined`: they are none. */
function textOf(data: Uint8Array): string | undefined {
    try {
        return strictUtf8.decode(data);
    } catch {
        return undefined;
    }
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The tokens of messages that follow each other, up to where one is missing. Who reads on from there learns whether it is:
 * a leader of before, which lacks some, would leave a hole.
 *
 * @param messages a token each; `undefined`: a message that is no token; `null`: no message there
 */
export function upToGap(messages: readonly (StoredToken | null | undefined)[]): StoredToken[] {
    const gap = messages.indexOf(null);
    return (gap < 0 ? messages : messages.slice(0, gap)).filter(token => token !== null && token !== undefined);
}
