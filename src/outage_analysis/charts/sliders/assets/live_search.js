// Search for the payments whose cost stays within a budget, by the method of `solve` with `--objective per_claim`.
// `parts` has, for each draw, the number of claims per payment and the cost of all other payments. `request` has
// the keys `budget`, `level`, `step`, `payments` (one or two, each with id, weight and largest amount or null),
// `edges`, `values` (current payments by id), `monotone` and `replicates`.
var findPayments = (function () {
  'use strict';

  var LARGEST_PAYMENT = 1e12, MOST_VALUES = 2000;

  // The standard error of a quantile: that of the distribution function (from the replicates), divided by the density.
  function quantileError(totals, of, request) {
    var p = request.level, size = totals.length, each = size / request.replicates, chances = [];
    for (var start = 0; start < size; start += each) {
      chances.push(liveModel.distribution(totals.slice(start, start + each)).over(of.quantile(p)));
    }
    var mean = chances.reduce(function (a, b) { return a + b; }) / chances.length;
    var squares = chances.reduce(function (a, b) { return a + (b - mean) * (b - mean); }, 0);
    var error = Math.max(Math.sqrt(squares / (chances.length - 1) / chances.length), 1 / size);
    var wide = Math.max(error, 10 / size), low = Math.max(p - wide, 0), high = Math.min(p + wide, 1);
    return error * (of.quantile(high) - of.quantile(low)) / (high - low);
  }

  // Returns the largest integer from `low` to `top` for which `passes` is true, if none passes above one that does not.
  function largest(low, top, passes) {
    if (passes(top)) return top;
    while (top - low > 1) {
      var middle = Math.floor((low + top) / 2);
      if (passes(middle)) low = middle; else top = middle;
    }
    return low;
  }

  // The smallest and largest multiple of the step for each payment. If `monotone`, a higher loss is paid at least
  // as much: `edges` has the payments (ids or amounts) on both sides of each loss at which the payment changes.
  function limits(request) {
    var step = request.step, ids = request.payments.map(function (x) { return x.id; });
    var low = ids.map(function () { return 0; }), ordered = false;
    var high = request.payments.map(function (x) { return x.largest === null ? Infinity : Math.floor(x.largest / step); });
    (request.monotone ? request.edges : []).forEach(function (edge) {
      var below = ids.indexOf(edge.below), above = ids.indexOf(edge.above);
      function amount(side) { return typeof side === 'number' ? side : request.values[side]; }
      if (below >= 0 && above >= 0) ordered = true;
      else if (above >= 0) low[above] = Math.max(low[above], Math.ceil(amount(edge.below) / step - 1e-9));
      else if (below >= 0) high[below] = Math.min(high[below], Math.floor(amount(edge.above) / step + 1e-9));
    });
    if (ordered) {
      low[1] = Math.max(low[1], low[0]);
      high[0] = Math.min(high[0], high[1]);
    }
    return {low: low, high: high, ordered: ordered};
  }

  return function (parts, request) {
    var size = parts.base.length, payments = request.payments, step = request.step;
    var counts = payments.map(function (x) { return parts.counts[x.id]; });
    var within = limits(request), low = within.low, high = within.high, ordered = within.ordered;
    var most = size - 1 - liveModel.distribution(parts.base).place(request.level);
    if (low.some(function (least, n) { return least > high[n]; })) return {excluded: true};

    function keeps(multiples) {
      var first = counts[0], second = counts[1] || first, one = multiples[0] * step, other = (multiples[1] || 0) * step;
      for (var k = 0, over = 0; k < size; k++) {
        if (parts.base[k] + one * first[k] + other * second[k] > request.budget && ++over > most) return false;
      }
      return true;
    }

    function result(multiples, solved) {
      var made = {payments: {}, solved: solved}, totals = Float64Array.from(parts.base);
      payments.forEach(function (x, n) {
        made.payments[x.id] = multiples[n] * step;
        for (var k = 0; k < size; k++) totals[k] += multiples[n] * step * counts[n][k];
      });
      var of = liveModel.distribution(totals);
      made.limited = payments.some(function (x, n) { return x.weight && multiples[n] < high[n]; });
      return Object.assign(made, {
        quantile: of.quantile(request.level), chance: of.over(request.budget), error: quantileError(totals, of, request)
      });
    }

    if (!keeps(low)) return result(low, false);
    // A payment with an expected number of 0 claims does not affect the result: it keeps the lowest amount.
    var top = payments.map(function (x, n) {
      if (!x.weight) return low[n];
      return largest(low[n], Math.min(high[n], Math.floor(LARGEST_PAYMENT / step)), function (multiple) {
        var tried = low.slice();
        tried[n] = multiple;
        if (ordered && n === 0) tried[1] = Math.max(tried[1], multiple);
        return keeps(tried);
      });
    });
    if (top.some(function (n, k) { return high[k] === Infinity && payments[k].weight && (n + 1) * step > LARGEST_PAYMENT; })) {
      return {unlimited: true};
    }
    if (top.some(function (n, k) { return n - low[k] >= MOST_VALUES; })) return {many: MOST_VALUES};

    // The best candidates: for each first payment, the largest second payment within the budget.
    var best = [], value = -1, second = top[1];
    for (var first = low[0]; first <= top[0]; first++) {
      var tried = [first], worth = first * step * payments[0].weight;
      if (counts[1]) {
        var least = ordered ? Math.max(low[1], first) : low[1];
        second = payments[1].weight ? second : least;
        while (second >= least && !keeps([first, second])) second--;
        if (second < least) break;
        tried.push(second);
        worth += second * step * payments[1].weight;
      }
      worth = Number(worth.toPrecision(9));
      if (worth > value) best = [];
      if (worth >= value) best.push(tried);
      value = Math.max(worth, value);
    }
    // Among equally good candidates, choose the one with the smallest quantile, as `solve` does.
    return best.map(function (multiples) { return result(multiples, true); })
      .sort(function (a, b) { return a.quantile - b.quantile; })[0];
  };
})();
