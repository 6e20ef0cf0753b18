// Search for the payments whose cost stays within a budget. liveSearch.find(parts, request) searches;
// liveSearch(place, ...) runs the form. The method is that of `solve` with `--objective per_claim`.
var liveSearch = (function () {
  'use strict';

  var LARGEST_PAYMENT = 1e12, MOST_VALUES = 2000;

  function quantilePlace(level, size) {
    return Math.min(Math.max(Math.ceil(level * size - 1e-6), 1), size) - 1;
  }

  // Returns a quantile of the totals of all draws, its standard error, and the probability that the total
  // exceeds the budget. The standard error is that of the distribution function (from the replicates),
  // divided by the density.
  function costs(totals, request) {
    var size = totals.length, ordered = Float64Array.from(totals).sort(), p = request.level;
    function at(share) { return ordered[quantilePlace(share, size)]; }
    var quantile = at(p), each = size / request.replicates, chances = [], over = 0;
    for (var r = 0; r < request.replicates; r++) {
      var above = 0;
      for (var k = r * each; k < (r + 1) * each; k++) {
        if (totals[k] > quantile) above++;
        if (totals[k] > request.budget) over++;
      }
      chances.push(above / each);
    }
    var mean = chances.reduce(function (a, b) { return a + b; }) / chances.length;
    var squares = chances.reduce(function (a, b) { return a + (b - mean) * (b - mean); }, 0);
    var error = Math.max(Math.sqrt(squares / (chances.length - 1) / chances.length), 1 / size);
    var wide = Math.max(error, 10 / size), low = Math.max(p - wide, 0), high = Math.min(p + wide, 1);
    return {quantile: quantile, error: error * (at(high) - at(low)) / (high - low), chance: over / size};
  }

  // Returns the largest integer up to `top` for which `passes` is true; -1 if there is none. Assumes that
  // `passes` is false for all integers above the first for which it is false.
  function largest(top, passes) {
    if (!passes(0)) return -1;
    if (passes(top)) return top;
    var low = 0;
    while (top - low > 1) {
      var middle = Math.floor((low + top) / 2);
      if (passes(middle)) low = middle; else top = middle;
    }
    return low;
  }

  // `parts` contains, for each draw, the number of claims per payment and the cost of all other payments.
  // `request` has the keys `budget`, `level`, `step`, `payments` (one or two, each with id, weight and
  // largest amount or null), `edges`, `values` (current payments by id), `monotone` and `replicates`. If
  // a payment increases, the total of every draw increases, and so does the quantile.
  function find(parts, request) {
    var size = parts.base.length, counts = request.payments.map(function (x) { return parts.counts[x.id]; });
    var most = size - 1 - quantilePlace(request.level, size), step = request.step;

    function keeps(amounts) {
      var first = counts[0], second = counts[1] || first, one = amounts[0], other = counts[1] ? amounts[1] : 0;
      for (var k = 0, over = 0; k < size; k++) {
        if (parts.base[k] + one * first[k] + other * second[k] > request.budget && ++over > most) return false;
      }
      return true;
    }

    // The smallest and largest multiple of the step for each payment, given the payments that do not vary.
    var low = [], high = [], ordered = false;
    request.payments.forEach(function (x) {
      low.push(0);
      high.push(x.largest === null ? Infinity : Math.floor(x.largest / step));
    });
    if (request.monotone) request.edges.forEach(function (edge) {
      var places = [edge.below, edge.above].map(function (side) {
        return request.payments.findIndex(function (x) { return x.id === side; });
      });
      var amounts = [edge.below, edge.above].map(function (side) { return typeof side === 'number' ? side : request.values[side]; });
      if (places[0] >= 0 && places[1] >= 0) ordered = true;
      else if (places[1] >= 0) low[places[1]] = Math.max(low[places[1]], Math.ceil(amounts[0] / step - 1e-9));
      else if (places[0] >= 0) high[places[0]] = Math.min(high[places[0]], Math.floor(amounts[1] / step + 1e-9));
    });
    if (ordered) {
      low[1] = Math.max(low[1], low[0]);
      high[0] = Math.min(high[0], high[1]);
    }
    if (low.some(function (least, n) { return least > high[n]; })) return {excluded: true};

    function result(multiples, key) {
      var payments = {}, totals = Float64Array.from(parts.base);
      request.payments.forEach(function (x, n) {
        payments[x.id] = multiples[n] * step;
        for (var k = 0; k < size; k++) totals[k] += multiples[n] * step * counts[n][k];
      });
      var made = costs(totals, request);
      made.payments = payments;
      made.solved = key === 'solved';
      return made;
    }

    function amounts(multiples) { return multiples.map(function (n) { return n * step; }); }

    if (!keeps(amounts(low))) return result(low, 'nearest');
    // A payment with an expected number of 0 claims does not affect the result: it keeps the lowest amount.
    var top = request.payments.map(function (x, n) {
      if (!x.weight) return low[n];
      var above = Math.min(high[n], Math.floor(LARGEST_PAYMENT / step)) - low[n];
      return low[n] + largest(above, function (more) {
        var tried = low.slice();
        tried[n] += more;
        if (ordered && n === 0) tried[1] = Math.max(tried[1], tried[0]);
        return keeps(amounts(tried));
      });
    });
    if (top.some(function (n, k) { return high[k] === Infinity && request.payments[k].weight && (n + 1) * step > LARGEST_PAYMENT; })) return {unlimited: true};
    if (top.some(function (n, k) { return n - low[k] >= MOST_VALUES; })) return {many: MOST_VALUES};

    // The best candidates: for each first payment, the largest second payment within the budget.
    var best = [], value = -1, second = top[1];
    for (var first = low[0]; first <= top[0]; first++) {
      var tried = [first];
      if (counts[1]) {
        var least = ordered ? Math.max(low[1], first) : low[1];
        second = Math.max(second, request.payments[1].weight ? 0 : least);
        while (second >= least && !keeps(amounts([first, second]))) second--;
        if (second < least) break;
        tried.push(request.payments[1].weight ? second : least);
      }
      var worth = 0;
      tried.forEach(function (n, k) { worth += n * step * request.payments[k].weight; });
      worth = Number(worth.toPrecision(9));
      if (worth > value) best = [];
      if (worth >= value) best.push(tried);
      value = Math.max(worth, value);
    }
    // Among equally good candidates, choose the one with the smallest quantile, as `solve` does.
    var found = best.map(function (multiples) { return result(multiples, 'solved'); });
    found.sort(function (a, b) { return a.quantile - b.quantile; });
    found[0].limited = request.payments.some(function (x, k) {
      return x.weight && found[0].payments[x.id] < high[k] * step;
    });
    return found[0];
  }

  function fill(pattern, values) {
    return pattern.replace(/\{(\w+)\}/g, function (all, key) { return key in values ? values[key] : all; });
  }

  function liveSearch(place, live, view, say, page) {
    var data = live.search, words = data.words, form = place.querySelector('form');
    var boxes = Array.from(form.querySelectorAll('[name=varied]')), level = form.querySelector('[name=level]');
    var step = form.querySelector('[name=step]'), answer = place.querySelector('.solution'), use = place.querySelector('.use');
    var monotone = form.querySelector('[name=monotone]'), found = null, applying = false;

    function clear() {
      if (applying) return;
      found = null;
      answer.textContent = '';
      use.hidden = true;
      var full = boxes.filter(function (box) { return box.checked; }).length >= data.most_varied;
      boxes.forEach(function (box) { box.disabled = full && !box.checked; });
    }

    function chosen() {
      return data.payments.filter(function (x, n) { return boxes[n].checked; }).map(function (x) {
        return {id: x.id, text: x.text, largest: x.largest, weight: page.weight(x.id)};
      });
    }

    function request(payments) {
      var values = {};
      data.payments.forEach(function (x) { values[x.id] = page.value(x.id); });
      return {
        budget: view.budget(), level: Number(level.value), step: Math.round(step.valueAsNumber * live.per_field),
        payments: payments, edges: data.edges, values: values, monotone: monotone.checked, replicates: view.replicates
      };
    }

    function sentences(made, asked) {
      var unit = made.error > say.minor ? Math.pow(10, Math.floor(Math.log10(made.error))) : say.minor;
      var values = {
        tiers: asked.payments.map(function (x) { return fill(x.text, {payment: say.exact(made.payments[x.id])}); }).join('; '),
        expected: say.money(page.expected(made.payments)), quantile: say.money(made.quantile),
        mark: 'P' + Math.round(100 * asked.level), budget: say.full(asked.budget), chance: view.percent(made.chance),
        error: say.money(made.error), unit: say.unit, amount: say.amount(Math.ceil(made.quantile / unit - 1e-9) * unit)
      };
      var used = made.solved ? ['answer'].concat(made.limited ? [] : ['not_limited']) : ['none', 'nearest', 'least'];
      return used.concat('error').map(function (name) { return fill(words[name], values); }).join(' ');
    }

    function run() {
      clear();
      var payments = chosen(), asked = request(payments);
      if (asked.budget === null) return words.no_budget;
      if (!payments.length) return words.choose;
      if (!(asked.step > 0)) return words.no_step;
      var start = performance.now();
      var made = find(page.parts(payments.map(function (x) { return x.id; })), asked);
      place.dataset.milliseconds = (performance.now() - start).toFixed(1);
      if (made.excluded || made.unlimited) return made.excluded ? words.excluded : words.unlimited;
      if (made.many) return fill(words.many, {count: made.many.toLocaleString('en-US')});
      found = made;
      place.dataset.found = JSON.stringify(made);
      use.hidden = !made.solved;
      return sentences(made, asked);
    }

    form.addEventListener('submit', function (event) {
      event.preventDefault();
      delete place.dataset.found;
      answer.textContent = run();
    });
    form.addEventListener('input', clear);
    use.addEventListener('click', function () {
      applying = true;
      page.put(found.payments);
      applying = false;
    });
    clear();
    return {clear: clear};
  }

  liveSearch.find = find;
  return liveSearch;
})();
