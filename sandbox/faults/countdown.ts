/** Things that strike a number of times each, the oldest that fits first. */
export class Countdown<Item> {
  #armed: { readonly item: Item; left: number }[] = [];

  /** `times` may be Infinity. */
  arm(item: Item, times: number): void {
    this.#armed.push({ item, left: times });
  }

  clear(): void {
    this.#armed = [];
  }

  /** Takes one strike of the oldest item that fits. */
  take(fits: (item: Item) => boolean): Item | undefined {
    if (this.#armed.length === 0) return undefined;
    const found = this.#armed.find(({ item }) => fits(item));
    if (!found) return undefined;
    found.left -= 1;
    if (found.left === 0) this.#armed = this.#armed.filter((armed) => armed !== found);
    return found.item;
  }

  /** The oldest item that fits, without a strike. */
  find(fits: (item: Item) => boolean): Item | undefined {
    return this.#armed.find(({ item }) => fits(item))?.item;
  }

  /** The remaining number; `every` if it never ends. */
  list(): { item: Item; left: number | 'every' }[] {
    return this.#armed.map(({ item, left }) => ({ item, left: left === Number.POSITIVE_INFINITY ? 'every' : left }));
  }
}
