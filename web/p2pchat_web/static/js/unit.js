// The unit of money, or of whatever is owed, that a person used last.

const LAST_UNIT = "unit";

/** The unit that was used last. */
export const unit = () => localStorage.getItem(LAST_UNIT) ?? "EUR";
/** Offer the unit of `sum` the next time. */
export const remember = (sum) => localStorage.setItem(LAST_UNIT, sum.split(" ").slice(1).join(" ") || "EUR");
