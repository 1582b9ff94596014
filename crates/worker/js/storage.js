// What an authority is given of its Durable Object: statements, transactions, random bytes. The `Host` of
// crates/worker/src/store.rs.

const ROLLBACK = Symbol("rollback");

export class Host {
  /** @type {DurableObjectStorage} */
  #storage;

  /** @param {DurableObjectStorage} storage */
  constructor(storage) {
    this.#storage = storage;
  }

  /**
   * @param {string} sql one statement
   * @param {unknown[]} params
   * @returns {unknown[][]} all rows
   */
  exec(sql, params) {
    return [...this.#storage.sql.exec(sql, ...params).raw()];
  }

  /**
   * Keeps what the closure wrote if it returns true. A trap in the closure takes it back too, and goes on upwards.
   * @param {() => boolean} body
   * @returns {boolean} whether it was kept
   */
  transaction(body) {
    try {
      this.#storage.transactionSync(() => {
        if (!body()) throw ROLLBACK;
      });
      return true;
    } catch (thrown) {
      if (thrown === ROLLBACK) return false;
      throw thrown;
    }
  }

  /** @param {Uint8Array} bytes filled in place */
  random(bytes) {
    crypto.getRandomValues(bytes);
  }
}
