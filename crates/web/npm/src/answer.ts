// Answers of servers, which may be longer than anybody wants to hold.

/**
 * The text of an answer, which is never held in memory past the limit, in bytes.
 * @throws {RangeError} where it is longer.
 */
export async function boundedText(response: Response, limit: number): Promise<string> {
  if (response.body === null) return "";
  const decoder = new TextDecoder();
  let [text, length] = ["", 0];
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    length += value.byteLength;
    if (length > limit) {
      // Not awaited: of an answer in two branches, one ends only with the other.
      void reader.cancel().catch(() => {});
      throw new RangeError(`the answer is longer than ${limit} bytes`);
    }
    text += decoder.decode(value, { stream: true });
  }
}
