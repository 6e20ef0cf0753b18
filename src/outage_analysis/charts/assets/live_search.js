// Search for the payments whose cost stays within a budget, by the method of `solve` with `--objective per_claim`.
// `parts` has, for each draw, the number of claims per payment and the cost of all other payments. `request` has
// the keys `budget`, `level`, `step`, `payments` (one or two, each with id, weight and largest amount or null),
// `edges` and `values` (current payments by id).
const findPayments = (() => {
  'use strict';

  const LARGEST_PAYMENT = 1e12, MOST_VALUES = 2000;

  // Returns the largest integer from `low` to `top` for which `passes` is true, if none passes above one that does not.
  function largest(low, top, passes) {
    if (passes(top)) return top;
    while (top - low > 1) {
      const middle = Math.floor((low + top) / 2);
      if (passes(middle)) low = middle; else top = middle;
    }
    return low;
  }

  // The smallest and largest multiple of the step for each payment, such that a higher loss is paid at least as much.
  // `edges` has the payments (ids or amounts) on both sides of each loss at which the payment changes.
  function limits({step, payments, edges, values}) {
    const ids = payments.map(x => x.id), low = ids.map(() => 0), amount = side => values[side] ?? side;
    const high = payments.map(x => x.largest === null ? Infinity : Math.floor(x.largest / step));
    let ordered = false;
    for (const edge of edges) {
      const below = ids.indexOf(edge.below), above = ids.indexOf(edge.above);
      if (below >= 0 && above >= 0) ordered = true;
      else if (above >= 0) low[above] = Math.max(low[above], Math.ceil(amount(edge.below) / step - 1e-9));
      else if (below >= 0) high[below] = Math.min(high[below], Math.floor(amount(edge.above) / step + 1e-9));
    }
    if (ordered) {
      low[1] = Math.max(low[1], low[0]);
      high[0] = Math.min(high[0], high[1]);
    }
    return {low, high, ordered};
  }

  return ({base, counts}, request) => {
    const {payments, step, budget, level} = request, {low, high, ordered} = limits(request);
    if (low.some((least, n) => least > high[n])) return {excluded: true};
    const columns = payments.map(x => counts[x.id]), most = base.length - 1 - liveModel.distribution(base).place(level);
    // A single payment stands beside one that nobody gets.
    const [one, other = new Float64Array(base.length)] = columns, least = [...low, 0].slice(0, 2);
    const [weight, otherWeight = 0] = payments.map(x => x.weight), alongside = n => ordered ? Math.max(least[1], n) : least[1];

    function keeps(first, second) {
      for (let k = 0, over = 0; k < base.length; k++) {
        if (base[k] + first * step * one[k] + second * step * other[k] > budget && ++over > most) return false;
      }
      return true;
    }

    function result(multiples, solved) {
      const amounts = payments.map((x, n) => multiples[n] * step);
      const add = (rest, k) => amounts.reduce((total, amount, n) => total + amount * columns[n][k], rest);
      const of = liveModel.distribution(Float64Array.from(base, add));
      return {
        payments: Object.fromEntries(payments.map((x, n) => [x.id, amounts[n]])),
        solved,
        limited: payments.some((x, n) => x.weight && multiples[n] < high[n]),
        quantile: of.quantile(level),
        chance: of.over(budget)
      };
    }

    if (!keeps(...least)) return result(least, false);
    // A payment with an expected number of 0 claims does not affect the result: it keeps the lowest amount.
    const reach = n => Math.min(high[n], Math.floor(LARGEST_PAYMENT / step)), top = [
      weight ? largest(least[0], reach(0), n => keeps(n, alongside(n))) : least[0],
      otherWeight ? largest(least[1], reach(1), n => keeps(least[0], n)) : least[1]
    ];
    const unlimited = (x, n) => x.weight && high[n] === Infinity && (top[n] + 1) * step > LARGEST_PAYMENT;
    if (payments.some(unlimited)) return {unlimited: true};
    if (top.some((n, k) => n - least[k] >= MOST_VALUES)) return {many: MOST_VALUES};

    // The best candidates: for each first payment, the largest second payment within the budget.
    let best = [], value = -1, second = top[1];
    for (let first = least[0]; first <= top[0]; first++) {
      if (!otherWeight) second = alongside(first);
      while (second >= alongside(first) && !keeps(first, second)) second--;
      if (second < alongside(first)) break;
      const worth = Number(((first * weight + second * otherWeight) * step).toPrecision(9));
      if (worth > value) best = [];
      if (worth >= value) best.push([first, second]);
      value = Math.max(worth, value);
    }
    // Among equally good candidates, choose the one with the smallest quantile, as `solve` does.
    return best.map(multiples => result(multiples, true)).sort((a, b) => a.quantile - b.quantile)[0];
  };
})();
