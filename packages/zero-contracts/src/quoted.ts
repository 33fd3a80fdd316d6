/** No message quotes more of a text. */
const LONGEST = 60;

/** A text for a message: as JSON writes it, so that it stays on its line, and shortened where it is long. */
export function quoted(text: string): string {
    return JSON.stringify(text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text);
}
