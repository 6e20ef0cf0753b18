// The sliders inside one element: whatIf(root, data). It looks nowhere else, so a page may have several. In a report,
// `box` is the element with the budget; there the range of the cash moves too, and the charts of the total with it.
var whatIf = (function () {
  'use strict';

  var LINE = 17;  // pixels between two labels of marks in the chart of the total

  function fill(pattern, values) {
    return pattern.replace(/\{(\w+)\}/g, function (all, key) { return key in values ? values[key] : all; });
  }

  // Halves go to the even neighbour, as they do in the report.
  function whole(value) {
    var below = Math.floor(value), rest = value - below;
    return rest > 0.5 || (rest === 0.5 && below % 2) ? below + 1 : below;
  }

  function twoDigits(value) {
    if (!value) return 0;
    var step = Math.pow(10, Math.floor(Math.log10(Math.abs(value))) - 1);
    return step < 1 ? Number(value.toPrecision(2)) : whole(value / step) * step;
  }

  function grouped(value, places) {
    return value.toLocaleString('en-US', {minimumFractionDigits: places || 0, maximumFractionDigits: places || 9});
  }

  // Amounts as the report says them.
  function speaker(say) {
    var minor = Math.pow(10, say.minor);

    function scaled(units, steps, gap) {
      var step = steps.find(function (s) { return units >= s[0]; }) || [1, ''];
      return grouped(Number((units / step[0]).toPrecision(10))) + (step[1] ? gap + step[1] : '');
    }

    function korean(won) {
      var parts = [];
      say.steps.forEach(function (step) {
        if (won >= step[0]) parts.push(grouped(Math.floor(won / step[0])) + step[1]);
        won %= step[0];
      });
      return parts.concat(won || !parts.length ? grouped(won) + say.unit : say.unit).join(' ');
    }

    function inWords(units) {
      if (say.korean) return korean(whole(units));
      return scaled(units, say.steps, say.glued ? '' : ' ') + ' ' + say.unit;
    }

    function money(amount) { return inWords(twoDigits(amount / minor)); }

    function amountOf(amount) { return grouped(whole(amount) / minor, say.minor); }

    return {
      money: money,
      amount: amountOf,
      full: function (amount) { return inWords(Number((amount / minor).toPrecision(10))); },
      brief: function (amount) { return scaled(twoDigits(amount / minor), say.brief, ''); },
      exact: function (amount) { return fill(say.exact, {amount: amountOf(amount)}); },
      change: function (now, before) {
        if (now === before) return say.same;
        var added = now - before, sign = added < 0 ? say.less : say.more;
        var share = before ? sign + grouped(twoDigits(Math.abs(added / before) * 100)) + '%' : '–';
        return fill(say.change, {amount: sign + money(Math.abs(added)), share: share});
      },
      percent: function (chance) {
        if (chance > 0 && chance < 0.01) return say.under_one;
        return chance < 1 && chance > 0.99 ? say.over_ninety_nine : Math.round(100 * chance) + '%';
      },
      // Reads an amount as a person types it: 400M, 400,000,000 or 4억 5,000만. NaN if it is none.
      read: function (text) {
        var plain = say.units.reduce(function (rest, unit) { return rest.replace(unit, ''); }, text.replace(/[,_\s]/g, '')).toLowerCase();
        if (!/^(\d+(\.\d+)?[^\d.]*)+$/.test(plain)) return NaN;
        var sum = plain.match(/[\d.]+[^\d.]*/g).reduce(function (total, part) {
          var name = part.replace(/[\d.]+/, '');
          return total + parseFloat(part) * (name ? say.sizes[name] : 1);  // an unknown name makes it NaN
        }, 0);
        return sum > 0 ? Math.round(sum * minor) : NaN;
      },
      unit: say.unit,
      minor: minor
    };
  }

  // One input: a slider and a number field that follow each other, and whether its value is known exactly.
  function slider(place, moved) {
    var exactly = place.querySelector('[type=checkbox]'), range = place.querySelector('[type=range]');
    var field = place.querySelector('[type=number]'), unit = place.querySelector('.unit').textContent;
    var times = Number(place.dataset.times), per = Number(place.dataset.per);

    function move() {
      range.setAttribute('aria-valuetext', field.value + ' ' + unit);
      moved(place.dataset.factor, Number(field.value) * times / per, exactly !== null && exactly.checked);
    }

    function isNumber() { return field.value !== '' && field.valueAsNumber >= 0; }

    range.addEventListener('input', function () {
      field.value = range.value;
      move();
    });
    field.addEventListener('input', function () {
      if (!isNumber()) return;
      if (place.dataset.bounded && field.valueAsNumber > Number(range.max)) field.value = range.max;
      range.value = field.value;
      move();
    });
    field.addEventListener('change', function () { if (!isNumber()) field.value = range.value; });
    if (exactly) exactly.addEventListener('change', move);
    return {
      reset: function () {
        range.value = field.value = field.defaultValue;
        if (exactly) exactly.checked = false;
        range.setAttribute('aria-valuetext', field.value + ' ' + unit);
      },
      put: function (value, known) {
        field.value = range.value = Number((value / times * per).toPrecision(10));
        if (exactly) exactly.checked = known;
        move();
      },
      name: place.querySelector('.name').textContent
    };
  }

  // A chart of the total whose dots, marks and axis move. `marks` has the names and the patterns of their labels, from
  // the top down; the line of the first, the budget, is free in a report without one. `blue` says which dots are blue.
  function picture(element, view, say, marks, blue) {
    function copy(rows) { return JSON.parse(JSON.stringify(rows)); }  // Vega marks the rows that it has
    var dots = copy(view.data('dots')), lines = copy(view.data('marks')), ticks = view.signal('ticks');
    var low = view.signal('low'), high = view.signal('high'), share = dots[0].share, pad = share * (high - low);
    var last = dots[dots.length - 1], log = last.place < last.amount / 2;  // places on a linear axis are the amounts
    var top = lines[lines.length - 1].top - LINE * (marks.length - 1);
    var tallest = Math.max.apply(null, dots.map(function (dot) { return dot.level + 0.5; }));
    var drawn = element.closest('.drawn'), caption = drawn && drawn.querySelector('figcaption span');

    function show(of, amounts, isReport, sameBudget) {
      var hasBudget = amounts.budget !== null, end = hasBudget ? amounts.budget : amounts.range_high;
      var totals = dots.map(function (dot, n) { return isReport ? dot.amount : of.quantile((n + 0.5) / dots.length); });
      var most = Math.max.apply(null, totals.concat(amounts.budget, amounts.expected)) || 1;
      var least = Math.min(most, Math.max(of.quantile(0.1) / 20, most / 1e4));  // smaller amounts stand on the left
      var from = log && !isReport ? Math.min(low, Math.log10(Math.max(least, of.quantile(0.01))) - 3 * pad) : low;
      var to = Math.max(high, (log ? Math.log10(most) : most) + pad), width = share * (to - from), stacks;

      function place(amount) {
        if (!log) return amount;
        return amount < least ? from + 1.5 * width : Math.max(Math.log10(amount), from + width / 2);
      }

      // Every dot stands on its own side of the line at the end of the blue ones.
      function stack(amount) {
        var bin = Math.ceil((place(amount) - place(end)) / width - 1e-9);
        stacks[bin] = (stacks[bin] || 0) + 1;
        return {amount: amount, place: place(end) + (bin - 0.5) * width, level: stacks[bin] - 0.5};
      }

      // Many dots at one place are smaller, as are their places.
      for (var tries = 0, moved, tall; tries < 3; tries++) {
        if (tries) width *= 0.8;
        stacks = {};
        moved = totals.map(stack);
        tall = Math.max.apply(null, Object.values(stacks));
        if (tall <= tallest) break;
      }
      var room = dots[0].room * tallest / Math.max(tall, tallest);
      moved.forEach(function (dot) {
        var likely = (hasBudget || dot.amount >= amounts.range_low) && dot.amount <= end;
        Object.assign(dot, {label: say.brief(dot.amount), likely: likely, share: width / (to - from), room: room});
      });
      var rules = marks.map(function (mark, n) {
        var name = mark[0], amount = amounts[name], values = {amount: say.brief(amount), share: say.percent(of.over(amount))};
        return {mark: name, place: place(amount), label: fill(mark[1], values), top: top + n * LINE, strong: name === 'budget' || name === 'p50'};
      }).filter(function (rule) { return amounts[rule.mark] !== null; });
      var same = isReport && sameBudget && from === low && to === high, powers = [];
      for (var power = Math.ceil(from); log && !same && power < to; power++) powers.push(power);
      view.data('dots', same ? copy(dots) : moved).data('marks', isReport && !hasBudget ? copy(lines) : rules);
      if (caption) caption.textContent = caption.textContent.replace(blue[hasBudget ? 0 : 1], blue[hasBudget ? 1 : 0]);
      view.signal('low', from).signal('high', to).signal('ticks', powers.length ? powers : ticks);
      view.signal('labels', powers.map(function (power) { return say.brief(Math.pow(10, power)); })).runAsync();
    }

    function amountAt(x) {
      var plot = element.querySelector('.background').getBoundingClientRect(), from = view.signal('low');
      var place = from + (x - plot.left) / plot.width * (view.signal('high') - from);
      return log ? Math.pow(10, place) : Math.max(place, 0);
    }

    return {element: element, show: show, amountAt: amountAt};
  }

  return function (root, data, box) {
    var say = speaker(data.formats), values = Object.assign({}, data.factors), given = {}, known = {}, sliders = {};
    var live = data.live, place = root.querySelector('.live'), reset = root.querySelector('.reset'), find = root.querySelector('.find');
    var model = live && liveModel(live.model), base = live && liveModel.distribution(model.totals({}, {})), now = base;
    var budget = live ? live.budget : null, field = box && box.querySelector('.budget input'), pictures = [];
    var drawing = 0, comparing = 0, searching = 0, applying = false;

    function all(selector) {
      return [box, root].filter(Boolean).reduce(function (seen, part) { return seen.concat(Array.from(part.querySelectorAll(selector))); }, []);
    }

    function write(selector, text) { all(selector).forEach(function (element) { element.textContent = text; }); }

    // Expected amounts, with other payments if they are given as pairs; of the terms with one factor if it is given.
    function expected(valuation, payments, factor) {
      var terms = data.terms[valuation].filter(function (term) { return !factor || term[1].includes(factor); });
      var set = Object.assign({}, values, Object.fromEntries(payments || []));
      return Number(liveModel.evaluate(terms, set, 1)[0].toPrecision(10));
    }

    // The changes of inputs and payments; `alsoKnown` is an input that is taken as known exactly.
    function setting(alsoKnown) {
      var made = {changes: {}, pays: {}};
      Object.keys(given).forEach(function (id) {
        var input = model.inputs[id], exactly = known[id] || id === alsoKnown || typeof input === 'number';
        if (input === undefined) made.pays[id] = given[id];
        else if (exactly) made.changes[id] = {set: given[id]};
        else made.changes[id] = model.changeTo(id, given[id], live.means[id], live.shares.indexOf(id) >= 0);
      });
      return made;
    }

    function distribution(alsoKnown) {
      var made = setting(alsoKnown);
      return liveModel.distribution(model.totals(made.changes, made.pays));
    }

    function ends(of) { return {low: say.money(of.quantile(live.low)), high: say.money(of.quantile(live.high))}; }

    function draw() {
      var mean = expected('cash'), median = now.quantile(0.5);
      write('.moved', now === base ? '' : live.words.moved);
      write('.likely', fill(live.words.likely, ends(now)));
      write('.half', fill(live.words.half, {median: say.money(median), mean: say.money(mean)}));
      write('.over', budget === null ? live.words.no_budget
        : fill(live.words.over, {chance: say.percent(now.over(budget)), budget: say.full(budget)}));
      var amounts = {p50: median, expected: mean, range_low: now.quantile(live.low), range_high: now.quantile(live.high), budget: budget};
      pictures.forEach(function (each) { each.show(now, amounts, now === base, budget === live.budget); });
    }

    function show(id) {
      cancelAnimationFrame(drawing);
      clearTimeout(comparing);
      write('.known', '');
      drawing = requestAnimationFrame(function () {
        var start = performance.now();
        now = Object.keys(given).length ? distribution() : base;
        place.dataset.milliseconds = (performance.now() - start).toFixed(1);
        draw();
        place.dataset.shown = String(Number(place.dataset.shown || 0) + 1);
        if (!id || known[id] || typeof model.inputs[id] !== 'object') return;
        // What the range would be if the input that moved last were known exactly; computed when there is time.
        comparing = setTimeout(function () {
          write('.known', fill(live.words.known, Object.assign(ends(distribution(id)), {name: sliders[id].name})));
        }, 150);
      });
    }

    function setBudget(amount, typed) {
      budget = amount;
      if (field && !typed) field.value = amount === null ? '' : say.amount(amount);
      draw();
      clear();
      remember();
    }

    function tell(id) {
      root.querySelectorAll('output[data-valuation]').forEach(function (output) {
        var valuation = output.dataset.valuation, amount = expected(valuation);
        output.querySelector('.amount').textContent = say.money(amount);
        output.querySelector('.exact').textContent = say.exact(amount);
        output.querySelector('.change').textContent = say.change(amount, data.report[valuation]);
      });
      reset.disabled = !Object.keys(given).length;
      if (!live) {
        root.querySelector('.range').hidden = reset.disabled;
        return;
      }
      show(id);
      clear();
      remember();
    }

    function back() {
      values = Object.assign({}, data.factors);
      given = {};
      known = {};
      Object.keys(sliders).forEach(function (id) { sliders[id].reset(); });
    }

    function remember() {
      var parts = Object.keys(given).map(function (id) { return id + '=' + given[id] + (known[id] ? '!' : ''); });
      if (budget !== live.budget) parts.push('budget=' + (budget === null ? '' : budget));
      if (parts.length || /^#what-if/.test(window.location.hash)) {
        window.history.replaceState(null, '', '#what-if' + (parts.length ? '?' + parts.join('&') : ''));
      }
    }

    function recall() {
      var sent = /^#what-if\?(.*)$/.exec(decodeURIComponent(window.location.hash));
      (live && sent ? sent[1].split('&') : []).forEach(function (part) {
        var pair = part.split('='), value = parseFloat(pair[1]);
        if (pair[0] === 'budget') setBudget(value >= 0 ? value : null);
        else if (sliders[pair[0]] && value >= 0) sliders[pair[0]].put(value, /!$/.test(pair[1]));
      });
    }

    function clear() {
      if (!find || applying) return;
      write('.solution', '');
      all('.use').forEach(function (button) { button.hidden = true; });
      var boxes = Array.from(find.querySelectorAll('[name=varied]'));
      var full = boxes.filter(function (each) { return each.checked; }).length >= live.search.most_varied;
      boxes.forEach(function (each) { each.disabled = full && !each.checked; });
      clearTimeout(searching);
      if (!box) return;
      if (budget === null) write('.announce', '');
      // The old announcement stays, dimmed, until the new one is found, so that nothing moves below it.
      var announced = box.querySelector('.announce');
      announced.setAttribute('aria-busy', budget !== null);
      if (budget !== null) searching = setTimeout(function () {
        write('.announce', search(true));
        announced.setAttribute('aria-busy', false);
      }, 250);
    }

    // Searches with the settings of the form; returns the answer. On the first screen it is brief, and if no payments
    // stay within the budget, those that do with a lower probability follow.
    function search(brief) {
      var form = find.querySelector('form'), words = live.search.words, select = form.querySelector('[name=level]');
      var step = Math.round(form.querySelector('[name=step]').valueAsNumber * live.per_field), made = setting();
      var payments = live.search.payments.filter(function (x, n) { return form.querySelectorAll('[name=varied]')[n].checked; });
      var asked = brief ? box : find;
      delete asked.dataset.found;
      if (budget === null) return words.no_budget;
      if (!payments.length) return words.choose;
      if (!(step > 0)) return words.no_step;
      var start = performance.now(), parts = model.parts(made.changes, made.pays, payments.map(function (x) { return x.id; }));
      // The weight of a payment is the expected number of claims that receive it.
      var varied = payments.map(function (x) { return Object.assign({weight: expected('cash', [[x.id, 1]], x.id)}, x); });

      function findAt(level) {
        return Object.assign({level: level}, findPayments(parts, {
          budget: budget, level: level, step: step, payments: varied, edges: live.search.edges, values: values,
          monotone: form.querySelector('[name=monotone]').checked, replicates: live.model.replicates
        }));
      }

      var best = findAt(Number(select.value)), said = [];
      if (best.excluded || best.unlimited) return best.excluded ? words.excluded : words.unlimited;
      if (best.many) return fill(words.many, {count: grouped(best.many)});
      if (!best.solved) said.push(sentence('none', best));
      if (brief && !best.solved) {
        var lower = Array.from(select.options, function (option) { return Number(option.value); }).reverse();
        var tried = lower.filter(function (level) { return level < best.level; }).map(findAt);
        best = tried.find(function (other) { return other.solved; }) || best;
      }
      find.dataset.milliseconds = (performance.now() - start).toFixed(1);
      asked.dataset.found = JSON.stringify(best);
      asked.querySelector('.use').hidden = !best.solved;
      var more = best.solved ? ['answer'].concat(best.limited ? [] : 'not_limited', 'error') : ['nearest', 'least', 'error'];
      if (brief) more = [best.solved ? 'announce' : 'least'];
      return said.concat(more.map(function (name) { return sentence(name, best); })).join(' ');

      function sentence(name, made) {
        var unit = made.error > say.minor ? Math.pow(10, Math.floor(Math.log10(made.error))) : say.minor;
        var paid = payments.map(function (x) { return say.exact(made.payments[x.id]); });
        return fill(words[name], {
          tiers: payments.map(function (x, n) { return fill(x.text, {payment: paid[n]}); }).join('; '), paid: paid.join(words.and),
          expected: say.money(expected('cash', Object.entries(made.payments))), quantile: say.money(made.quantile),
          mark: 'P' + Math.round(100 * made.level), level: Math.round(100 * made.level) + '%', budget: say.full(budget),
          chance: say.percent(made.chance), error: say.money(made.error), unit: say.unit,
          amount: say.amount(Math.ceil(made.quantile / unit - 1e-9) * unit)
        });
      }
    }

    // A line cannot say that an input is uncertain around another mean, so moved inputs become known exactly.
    function copyCommand(language) {
      var ids = Object.keys(given), names = live.command.names, form = live.command[language], output = box.querySelector('.line');
      ids.forEach(function (id) { if (id in live.means && !known[id]) sliders[id].put(given[id], true); });
      var changes = ids.filter(function (id) { return id in names; }).map(function (id) {
        return fill(form.change, {name: names[id][0], value: Number((given[id] / names[id][1]).toPrecision(10))});
      });
      var others = ids.filter(function (id) { return !(id in names); }).map(function (id) { return sliders[id].name; });
      output.value = fill(form.line, {
        budget: budget === null ? '' : fill(form.budget, {budget: Math.round(budget / say.minor)}),
        changes: changes.length ? fill(form.changes, {changes: changes.join(form.between)}) : ''
      }).replace(', )', ')').replace(/ +/g, ' ');
      write('.left-out', others.length ? fill(live.words.left_out, {name: others.join(', ')}) : '');
      box.querySelector('.copied').hidden = false;
      output.select();
      if (navigator.clipboard) navigator.clipboard.writeText(output.value).catch(function () {});  // else it is selected
    }

    root.querySelectorAll('.slider').forEach(function (element) {
      sliders[element.dataset.factor] = slider(element, function (id, value, exactly) {
        values[id] = given[id] = value;
        known[id] = exactly;
        tell(id);
      });
    });

    // Settings at once: the sliders move to the new means, or to exact values.
    root.querySelectorAll('[data-preset]').forEach(function (button) {
      button.addEventListener('click', function () {
        var changes = data.presets[Number(button.dataset.preset)].changes;
        back();
        Object.keys(changes).forEach(function (id) {
          var change = changes[id], exactly = change.set !== undefined;
          sliders[id].put(exactly ? change.set : model.meanAfter(id, change, live.means[id]), exactly);
        });
      });
    });
    reset.addEventListener('click', function () {
      back();
      tell();
      root.querySelector('[tabindex="-1"]').focus();
    });
    if (find) {
      find.querySelector('form').addEventListener('submit', function (event) {
        event.preventDefault();
        write('.solution', search());
      });
      find.querySelector('form').addEventListener('input', clear);
    }
    all('.use').forEach(function (button) {
      button.addEventListener('click', function () {
        var payments = JSON.parse(button.closest('[data-found]').dataset.found).payments;
        applying = true;
        Object.keys(payments).forEach(function (id) { sliders[id].put(payments[id], false); });
        applying = false;
      });
    });
    if (box) {
      field.addEventListener('input', function () {
        var amount = say.read(field.value);
        setBudget(isNaN(amount) ? null : amount, true);
        if (isNaN(amount) && field.value) write('.over', live.words.no_amount);
      });
      box.querySelectorAll('.copy').forEach(function (button) {
        button.addEventListener('click', function () { copyCommand(button.value); });
      });
    }
    // A browser may keep what was typed before the page was loaded again.
    back();
    recall();
    if (live) setBudget(budget);
    if (live) show();
    root.dataset.live = '';
    return {
      // Lets a chart of the total follow the sliders and the budget; a click in it sets the budget.
      attach: function (element, view) {
        var chart = picture(element, view, say, live.marks, live.blue);
        pictures = pictures.filter(function (each) { return each.element !== element; }).concat(chart);
        element.onclick = function (event) {
          setBudget(Number((chart.amountAt(event.clientX) / live.per_field).toPrecision(2)) * live.per_field);
        };
        draw();
      }
    };
  };
})();
