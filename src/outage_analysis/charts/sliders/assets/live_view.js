// The range below the sliders: liveView(place, live, say, expected) draws quantile dots and writes the sentences.
// Its `show(values, known)` computes the distribution again from the draws; see live.js.
var liveView = (function () {
  'use strict';

  var SVG = 'http://www.w3.org/2000/svg', DOTS = 50, HEIGHT = 190, BASE = 150, RADIUS = 4.6, WIDE = 9.6, SIDE = 14;

  function element(name, attributes, text) {
    var made = document.createElementNS(SVG, name);
    Object.keys(attributes).forEach(function (key) { made.setAttribute(key, attributes[key]); });
    if (text) made.textContent = text;
    return made;
  }

  function fill(pattern, values) {
    return pattern.replace(/\{(\w+)\}/g, function (all, key) { return key in values ? values[key] : all; });
  }

  function mean(values) {
    var sum = 0;
    for (var k = 0; k < values.length; k++) sum += values[k];
    return sum / values.length;
  }

  // The odds by which a rate must change so that its mean becomes the target.
  function oddsFor(values, target) {
    var low = -40, high = 40;
    for (var n = 0; n < 50; n++) {
      var middle = (low + high) / 2, odds = Math.exp(middle), sum = 0;
      for (var k = 0; k < values.length; k++) sum += odds * values[k] / (1 - values[k] + odds * values[k]);
      if (sum / values.length < target) low = middle; else high = middle;
    }
    return Math.exp((low + high) / 2);
  }

  // The distribution of a total: quantiles, chance of more than an amount.
  function distribution(totals) {
    var ordered = Float64Array.from(totals).sort(), size = ordered.length;
    return {
      quantile: function (p) { return ordered[Math.min(Math.max(Math.ceil(p * size - 1e-6), 1), size) - 1]; },
      over: function (amount) {
        var low = 0, high = size;
        while (low < high) {
          var middle = (low + high) >> 1;
          if (ordered[middle] > amount) high = middle; else low = middle + 1;
        }
        return 1 - low / size;
      }
    };
  }

  return function (place, live, say, expected) {
    var model = liveModel(live.model), words = live.words, svg = place.querySelector('svg');
    var field = place.querySelector('.budget input'), base = distribution(model.totals({}, {}));
    var now = base, budget = live.budget, waiting = 0, later = 0;
    var shares = {};
    live.shares.forEach(function (id) { shares[id] = true; });

    // How the draws of an input change so that it has a value: exactly, or as its mean.
    function change(id, value, exactly) {
      var values = model.inputs[id];
      if (values === undefined || typeof values === 'number' || exactly) return {set: value};
      if (!shares[id]) return {times: value / live.means[id]};
      if (value <= 0 || value >= 1) return {set: value};
      return {odds: oddsFor(values, Math.min(Math.max(mean(values) + value - live.means[id], 1e-9), 1 - 1e-9))};
    }

    function setting(values, known, alsoKnown) {
      var changes = {}, pays = {};
      Object.keys(values).forEach(function (id) {
        if (id in model.inputs) changes[id] = change(id, values[id], known[id] || id === alsoKnown);
        else pays[id] = values[id];
      });
      return {changes: changes, pays: pays};
    }

    function totals(values, known, alsoKnown) {
      var made = setting(values, known, alsoKnown);
      return model.totals(made.changes, made.pays);
    }

    function percent(chance) {
      if (chance > 0 && chance < 0.01) return words.under_one;
      if (chance < 1 && chance > 0.99) return words.over_ninety_nine;
      return Math.round(100 * chance) + '%';
    }

    function ends(of) { return {low: say.money(of.quantile(live.low)), high: say.money(of.quantile(live.high))}; }

    function write() {
      var around = ends(now);
      place.querySelector('.likely').textContent = fill(words.likely, around);
      place.querySelector('.half').textContent = fill(words.half, {
        median: say.money(now.quantile(0.5)), mean: say.money(expected())
      });
      place.querySelector('.over').textContent = budget === null ? words.no_budget
        : fill(words.over, {chance: percent(now.over(budget)), budget: say.money(budget)});
    }

    // --- the dots -----------------------------------------------------------------------------------------

    // The lowest amount above 0 that the dots show.
    function least(of) {
      var p = [0.02, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9].find(function (at) { return of.quantile(at) > 0; });
      return p ? of.quantile(p) : Infinity;
    }

    // A logarithmic axis that reaches beyond the range of the report; amounts of 0 stand at its left end.
    function axis(width) {
      var high = Math.max(base.quantile(0.99) * 3, now.quantile(0.99) * 1.2, (budget || 0) * 1.2) || 1;
      var low = Math.min(least(base), least(now), high / 10) / 1.5;
      var span = Math.log(high / low), inner = width - 2 * SIDE;
      return {
        low: low, high: high,
        at: function (amount) { return SIDE + inner * Math.min(Math.max(amount > 0 ? Math.log(amount / low) / span : 0, 0), 1); },
        amount: function (x) { return low * Math.exp(span * Math.min(Math.max((x - SIDE) / inner, 0), 1)); }
      };
    }

    function ticks(scale) {
      for (var marks = [], step = Math.pow(10, Math.ceil(Math.log10(scale.low))); step <= scale.high; step *= 10) marks.push(step);
      return marks;
    }

    // The names of two marks on one line stand on either side of them: left of the lower, right of the higher one.
    function mark(scale, amount, name, line, color, left) {
      var x = scale.at(amount), end = left ? x > 60 : x > svg.clientWidth * 0.85;
      svg.append(
        element('line', {x1: x, x2: x, y1: 16 + 16 * line, y2: BASE + 4, 'class': 'mark ' + color}),
        element('text', {x: x + (end ? -4 : 4), y: 26 + 16 * line, 'text-anchor': end ? 'end' : 'start', 'class': color}, name)
      );
    }

    function draw() {
      var width = svg.clientWidth || 600, scale = axis(width), stacks = {};
      svg.setAttribute('viewBox', '0 0 ' + width + ' ' + HEIGHT);
      svg.replaceChildren(element('line', {x1: SIDE, x2: width - SIDE, y1: BASE + 4, y2: BASE + 4, 'class': 'base'}));
      var last = -Infinity;
      ticks(scale).forEach(function (amount) {
        var x = scale.at(amount);
        if (x - last < 96) return;
        last = x;
        svg.append(
          element('line', {x1: x, x2: x, y1: BASE + 4, y2: BASE + 9, 'class': 'base'}),
          element('text', {x: x, y: BASE + 24, 'text-anchor': x < 60 ? 'start' : x > width - 60 ? 'end' : 'middle', 'class': 'tick'}, say.money(amount))
        );
      });
      for (var k = 0; k < DOTS; k++) {
        var bin = Math.round(scale.at(now.quantile((k + 0.5) / DOTS)) / WIDE);
        (stacks[bin] = stacks[bin] || []).push(bin);
      }
      var tallest = Math.max.apply(null, Object.keys(stacks).map(function (bin) { return stacks[bin].length; }));
      var rise = Math.min(WIDE, (BASE - 56 - RADIUS) / Math.max(tallest - 1, 1));  // high stacks overlap
      Object.keys(stacks).forEach(function (bin) {
        stacks[bin].forEach(function (at, level) {
          svg.append(element('circle', {cx: at * WIDE, cy: BASE - RADIUS - level * rise, r: RADIUS}));
        });
      });
      mark(scale, now.quantile(0.5), words.median, 1, 'median', true);
      mark(scale, expected(), words.mean, 0, 'mean', true);
      mark(scale, now.quantile(live.high), words.upper, 1, 'upper');
      if (budget !== null) mark(scale, budget, words.budget, 2, 'limit');
    }

    // --- the budget ---------------------------------------------------------------------------------------

    function setBudget(amount) {
      budget = amount;
      if (document.activeElement !== field) field.value = amount === null ? '' : String(Math.round(amount / live.per_field));
      write();
      draw();
      place.dispatchEvent(new CustomEvent('budget', {bubbles: true}));
    }

    function dragged(event) {
      var box = svg.getBoundingClientRect(), scale = axis(box.width);
      setBudget(Number((scale.amount(event.clientX - box.left) / live.per_field).toPrecision(2)) * live.per_field);
    }

    svg.addEventListener('pointerdown', function (event) {
      svg.setPointerCapture(event.pointerId);
      dragged(event);
    });
    svg.addEventListener('pointermove', function (event) {
      if (svg.hasPointerCapture(event.pointerId)) dragged(event);
    });
    field.addEventListener('input', function () {
      var number = field.valueAsNumber;
      if (field.value === '' || number >= 0) setBudget(field.value === '' ? null : number * live.per_field);
    });
    new ResizeObserver(draw).observe(svg);

    // What the range would be if the input that moved last were known exactly; computed when there is time.
    function compare(values, known, id, name) {
      var note = place.querySelector('.known');
      clearTimeout(later);
      note.textContent = '';
      if (!id || known[id] || typeof model.inputs[id] !== 'object') return;
      later = setTimeout(function () {
        var sure = distribution(totals(values, known, id)), around = ends(sure);
        around.name = name;
        note.textContent = fill(words.known, around);
      }, 150);
    }

    function show(values, known, id, name) {
      cancelAnimationFrame(waiting);
      waiting = requestAnimationFrame(function () {
        var start = performance.now();
        now = Object.keys(values).length ? distribution(totals(values, known)) : base;
        place.dataset.milliseconds = (performance.now() - start).toFixed(1);
        write();
        draw();
        place.dataset.shown = String(Number(place.dataset.shown || 0) + 1);
        compare(values, known, id, name);
      });
    }

    setBudget(budget);
    show({}, {});
    return {
      show: show,
      // The mean of an input after a change of its distribution, at the scale of the report's mean.
      meanAfter: function (id, change) {
        if (change.times !== undefined) return live.means[id] * change.times;
        var values = model.inputs[id];
        return mean(values.map(function (v) { return change.odds * v / (1 - v + change.odds * v); })) - mean(values) + live.means[id];
      },
      // For each draw: the number of claims per searched payment, and the cost of all other payments.
      parts: function (values, known, ids) {
        var made = setting(values, known);
        return model.parts(made.changes, made.pays, ids);
      },
      replicates: model.replicates,
      percent: percent,
      budget: function () { return budget; },
      setBudget: setBudget,
      quantile: function (p) { return now.quantile(p); },
      over: function (amount) { return now.over(amount); }
    };
  };
})();
