// The sliders inside one element: whatIf(root, data). It looks nowhere else, so a page may have several. In a report,
// `box` is the element with the budget; there the range of the cash moves too, and the charts of the total with it.
const whatIf = (() => {
  'use strict';

  const LINE = 17;  // pixels between two labels of marks in the chart of the total

  const fill = (pattern, values) => pattern.replace(/\{(\w+)\}/g, (all, key) => values[key] ?? all);

  // Halves go to the even neighbour, as they do in the report.
  function rounding(digits) {
    const format = new Intl.NumberFormat('en-US', {useGrouping: false, roundingMode: 'halfEven', ...digits});
    return value => Number(format.format(value));
  }

  const whole = rounding({maximumFractionDigits: 0}), twoDigits = rounding({maximumSignificantDigits: 2});

  function grouped(value, places) {
    return value.toLocaleString('en-US', {minimumFractionDigits: places ?? 0, maximumFractionDigits: places ?? 9});
  }

  // Amounts as the report says them.
  function speaker(say) {
    const minor = 10 ** say.minor;

    function scaled(units, steps, gap) {
      const [size, name] = steps.find(([size]) => units >= size) ?? [1, ''];
      return grouped(Number((units / size).toPrecision(10))) + (name && gap + name);
    }

    function inWords(units) {
      if (!say.korean) return `${scaled(units, say.steps, say.glued ? '' : ' ')} ${say.unit}`;
      const parts = [];
      let rest = whole(units);
      for (const [size, name] of say.steps) {
        if (rest >= size) parts.push(grouped(Math.floor(rest / size)) + name);
        rest %= size;
      }
      return [...parts, rest || !parts.length ? grouped(rest) + say.unit : say.unit].join(' ');
    }

    const money = amount => inWords(twoDigits(amount / minor)), amountOf = amount => grouped(whole(amount) / minor, say.minor);
    return {
      money,
      amount: amountOf,
      full: amount => inWords(Number((amount / minor).toPrecision(10))),
      brief: amount => scaled(twoDigits(amount / minor), say.brief, ''),
      exact: amount => fill(say.exact, {amount: amountOf(amount)}),
      change(now, before) {
        const added = Math.abs(now - before), sign = now < before ? say.less : say.more;
        const share = before ? `${sign}${grouped(twoDigits(added / before * 100))}%` : '–';
        return added ? fill(say.change, {amount: sign + money(added), share}) : say.same;
      },
      percent(chance) {
        if (chance > 0 && chance < 0.01) return say.under_one;
        return chance < 1 && chance > 0.99 ? say.over_ninety_nine : `${Math.round(100 * chance)}%`;
      },
      // Reads an amount as a person types it: 400M, 400,000,000 or 4억 5,000만. NaN if it is none.
      read(text) {
        const plain = say.units.reduce((rest, unit) => rest.replace(unit, ''), text.replace(/[,_\s]/g, '')).toLowerCase();
        let sum = /^(\d+(\.\d+)?[^\d.]*)+$/.test(plain) ? 0 : NaN;
        for (const [, number, name] of plain.matchAll(/([\d.]+)([^\d.]*)/g)) {
          sum += parseFloat(number) * (name ? say.sizes[name] : 1);  // an unknown name makes it NaN
        }
        return sum > 0 ? Math.round(sum * minor) : NaN;
      },
      unit: say.unit,
      minor
    };
  }

  // One input: a slider and a number field that follow each other, and whether its value is known exactly.
  function slider(place, moved) {
    const [range, field, exactly] = ['range', 'number', 'checkbox'].map(type => place.querySelector(`[type=${type}]`));
    const unit = place.querySelector('.unit').textContent, {factor, times, per, bounded} = place.dataset;
    const isNumber = () => field.value !== '' && field.valueAsNumber >= 0;
    const name = () => range.setAttribute('aria-valuetext', `${field.value} ${unit}`);

    function move() {
      name();
      moved(factor, Number(field.value) * times / per, Boolean(exactly?.checked));
    }

    function set(value, known) {
      field.value = range.value = value;
      if (exactly) exactly.checked = known;
      name();
    }

    range.addEventListener('input', () => {
      field.value = range.value;
      move();
    });
    field.addEventListener('input', () => {
      if (!isNumber()) return;
      if (bounded && field.valueAsNumber > Number(range.max)) field.value = range.max;
      range.value = field.value;
      move();
    });
    field.addEventListener('change', () => { if (!isNumber()) field.value = range.value; });
    exactly?.addEventListener('change', move);
    return {
      name: place.querySelector('.name').textContent,
      reset: () => set(field.defaultValue, false),
      put(value, known) {
        set(Number((value / times * per).toPrecision(10)), known);
        move();
      }
    };
  }

  // A chart of the total whose dots, marks and axis move. `marks` has the names and the patterns of their labels, from
  // the top down; the line of the first, the budget, is free in a report without one. `blue` says which dots are blue.
  // What happened, known only afterwards, stays where it is; `told` has the pattern of its sentence, and the part of the
  // subtitle that is true for the report alone.
  function picture(element, view, say, {marks, blue}, told) {
    const dots = structuredClone(view.data('dots')), lines = structuredClone(view.data('marks'));  // Vega marks its own
    const low = view.signal('low'), high = view.signal('high'), ticks = view.signal('ticks'), share = dots[0].share;
    const log = dots.at(-1).place < dots.at(-1).amount / 2;  // places on a linear axis are the amounts
    const pad = share * (high - low), top = lines.at(-1).top - LINE * (marks.length - 1);
    const tallest = Math.max(...dots.map(dot => dot.level + 0.5)), happened = lines.find(line => line.mark === 'observed');
    const [heading, caption] = element.closest('.drawn')?.querySelectorAll('figcaption > *') ?? [];
    const texts = [heading, caption].map(text => text?.textContent);

    function show(of, amounts, isReport, sameBudget) {
      const hasBudget = amounts.budget !== null, end = hasBudget ? amounts.budget : amounts.range_high;
      if (caption) {
        const subtitle = isReport ? texts[1] : texts[1].replace(told.nothing, '');
        caption.textContent = subtitle.replace(blue[hasBudget ? 0 : 1], blue[hasBudget ? 1 : 0]);
      }
      if (caption && happened) heading.textContent = isReport ? texts[0]
        : fill(told.happened, {amount: say.money(happened.amount), share: say.percent(1 - of.over(happened.amount))});
      if (isReport && sameBudget) {
        view.data('dots', structuredClone(dots)).data('marks', structuredClone(lines)).signal('labels', []);
        view.signal('low', low).signal('high', high).signal('ticks', ticks).runAsync();
        return;
      }
      const totals = dots.map((dot, n) => isReport ? dot.amount : of.quantile((n + 0.5) / dots.length));
      const most = Math.max(...totals, amounts.budget, amounts.expected, happened?.amount ?? 0) || 1;
      const least = Math.min(most, Math.max(of.quantile(0.1) / 20, most / 1e4));  // smaller amounts stand on the left
      const from = log && !isReport ? Math.min(low, Math.log10(Math.max(least, of.quantile(0.01))) - 3 * pad) : low;
      const to = Math.max(high, (log ? Math.log10(most) : most) + pad);
      let width = share * (to - from), stacks, moved, tall;

      function place(amount) {
        if (!log) return amount;
        return amount < least ? from + 1.5 * width : Math.max(Math.log10(amount), from + width / 2);
      }

      // Every dot stands on its own side of the line at the end of the blue ones.
      function stack(amount) {
        const bin = Math.ceil((place(amount) - place(end)) / width - 1e-9);
        stacks[bin] = (stacks[bin] ?? 0) + 1;
        return {amount, place: place(end) + (bin - 0.5) * width, level: stacks[bin] - 0.5};
      }

      // Many dots at one place are smaller, as are their places.
      for (let tries = 0; tries < 3 && !(tall <= tallest); tries++) {
        if (tries) width *= 0.8;
        stacks = {};
        moved = totals.map(stack);
        tall = Math.max(...Object.values(stacks));
      }
      const looks = {share: width / (to - from), room: dots[0].room * tallest / Math.max(tall, tallest)};
      const isLikely = amount => (hasBudget || amount >= amounts.range_low) && amount <= end;
      const rules = marks.map(([mark, pattern], n) => {
        const amount = amounts[mark], label = fill(pattern, {amount: say.brief(amount), share: say.percent(of.over(amount))});
        return {mark, place: place(amount), label, top: top + n * LINE, strong: mark === 'budget' || mark === 'p50'};
      }).filter(rule => amounts[rule.mark] !== null);
      if (happened) rules.push({...happened, place: place(happened.amount)});
      const powers = [];
      for (let power = Math.ceil(from); log && power < to; power++) powers.push(power);
      view.data('dots', moved.map(dot => ({...dot, ...looks, label: say.brief(dot.amount), likely: isLikely(dot.amount)})));
      view.data('marks', rules).signal('low', from).signal('high', to).signal('ticks', powers.length ? powers : ticks);
      view.signal('labels', powers.map(power => say.brief(10 ** power))).runAsync();
    }

    function amountAt(x) {
      const plot = element.querySelector('.background').getBoundingClientRect(), from = view.signal('low');
      const place = from + (x - plot.left) / plot.width * (view.signal('high') - from);
      return log ? 10 ** place : Math.max(place, 0);
    }

    return {element, show, amountAt};
  }

  return (root, data, box) => {
    const say = speaker(data.formats), live = data.live, sliders = {}, model = live && liveModel(live.model);
    const reset = root.querySelector('.reset'), find = root.querySelector('.find'), form = find?.querySelector('form');
    const field = box?.querySelector('.budget input'), announced = box?.querySelector('.announce');
    const base = live && liveModel.distribution(model.totals({}, {}));
    let values, given, known, now = base, budget = live?.budget ?? null, pictures = [];
    let drawing, comparing, searching, applying = false;

    const all = selector => [box, root].flatMap(part => [...part?.querySelectorAll(selector) ?? []]);
    const write = (selector, text) => all(selector).forEach(element => { element.textContent = text; });

    // An expected amount, with other values of inputs if they are given; of the terms with one factor if it is given.
    function expected(valuation, others, factor) {
      const terms = data.terms[valuation].filter(([, ids]) => !factor || ids.includes(factor));
      return Number(liveModel.evaluate(terms, {...values, ...others}, 1)[0].toPrecision(10));
    }

    // The changes of inputs, and of payments; `alsoKnown` is an input that is taken as known exactly.
    function setting(alsoKnown) {
      const changes = {}, pays = {};
      for (const [id, value] of Object.entries(given)) {
        const input = model.inputs[id], exactly = known[id] || id === alsoKnown || typeof input === 'number';
        if (input === undefined) pays[id] = value;
        else changes[id] = exactly ? {set: value} : model.changeTo(id, value, live.means[id], live.shares.includes(id));
      }
      return [changes, pays];
    }

    const distribution = alsoKnown => liveModel.distribution(model.totals(...setting(alsoKnown)));
    const ends = of => ({low: say.money(of.quantile(live.low)), high: say.money(of.quantile(live.high))});

    function draw() {
      const mean = expected('cash'), median = now.quantile(0.5);
      write('.moved', now === base ? '' : live.words.moved);
      write('.likely', fill(live.words.likely, ends(now)));
      write('.half', fill(live.words.half, {median: say.money(median), mean: say.money(mean)}));
      const chance = now === base && budget === live.budget ? live.chance : now.over(budget);  // first that of the report
      write('.over', budget === null ? live.words.no_budget
        : fill(live.words.over, {chance: say.percent(chance), budget: say.full(budget)}));
      const amounts = {p50: median, expected: mean, range_low: now.quantile(live.low), range_high: now.quantile(live.high), budget};
      for (const each of pictures) each.show(now, amounts, now === base, budget === live.budget);
    }

    function show(id) {
      cancelAnimationFrame(drawing);
      clearTimeout(comparing);
      write('.known', '');
      drawing = requestAnimationFrame(() => {
        const {dataset} = root.querySelector('.live');
        now = Object.keys(given).length ? distribution() : base;
        draw();
        dataset.shown = Number(dataset.shown ?? 0) + 1;
        if (!id || known[id] || typeof model.inputs[id] !== 'object') return;
        // What the range would be if the input that moved last were known exactly; computed when there is time.
        comparing = setTimeout(() => {
          write('.known', fill(live.words.known, {...ends(distribution(id)), name: sliders[id].name}));
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
      for (const output of root.querySelectorAll('output[data-valuation]')) {
        const {valuation} = output.dataset, amount = expected(valuation);
        output.querySelector('.amount').textContent = say.money(amount);
        output.querySelector('.exact').textContent = say.exact(amount);
        output.querySelector('.change').textContent = say.change(amount, data.report[valuation]);
      }
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
      [values, given, known] = [{...data.factors}, {}, {}];
      for (const each of Object.values(sliders)) each.reset();
    }

    // The address of the page keeps the settings, so that a link leads to them.
    function remember() {
      const parts = Object.entries(given).map(([id, value]) => `${id}=${value}${known[id] ? '!' : ''}`);
      if (budget !== live.budget) parts.push(`budget=${budget ?? ''}`);
      if (parts.length || location.hash.startsWith('#what-if')) {
        history.replaceState(null, '', '#what-if' + (parts.length ? `?${parts.join('&')}` : ''));
      }
    }

    function recall() {
      const [, sent] = /^#what-if\?(.*)$/.exec(decodeURIComponent(location.hash)) ?? [];
      for (const [id, text] of (sent?.split('&') ?? []).map(part => part.split('='))) {
        const value = parseFloat(text);
        if (id === 'budget') setBudget(value >= 0 ? value : null);
        else if (value >= 0) sliders[id]?.put(value, text.endsWith('!'));
      }
    }

    function clear() {
      if (!find || applying) return;
      write('.solution', '');
      all('.use').forEach(button => { button.hidden = true; });
      const boxes = [...find.querySelectorAll('[name=varied]')];
      const full = boxes.filter(each => each.checked).length >= live.search.most_varied;
      boxes.forEach(each => { each.disabled = full && !each.checked; });
      clearTimeout(searching);
      if (!box) return;
      // The old announcement stays, dimmed, until the new one is found, so that nothing moves below it.
      announced.ariaBusy = budget !== null;
      if (budget === null) announced.textContent = '';
      else searching = setTimeout(() => {
        announced.textContent = search(true);
        announced.ariaBusy = false;
      }, 250);
    }

    // Searches with the settings of the form; returns the answer. On the first screen it is brief, and if no payments
    // stay within the budget, those that do with a lower probability follow.
    function search(brief) {
      const {level, monotone, step} = form.elements, words = live.search.words, asked = brief ? box : find;
      const payments = live.search.payments.filter((x, n) => find.querySelectorAll('[name=varied]')[n].checked);
      delete asked.dataset.found;
      if (budget === null) return words.no_budget;
      if (!payments.length) return words.choose;
      if (!(step.valueAsNumber > 0)) return words.no_step;
      const start = performance.now(), parts = model.parts(...setting(), payments.map(x => x.id)), request = {
        budget,
        values,
        step: Math.round(step.valueAsNumber * live.per_field),
        monotone: monotone.checked,
        edges: live.search.edges,
        replicates: live.model.replicates,
        // The weight of a payment is the expected number of claims that receive it.
        payments: payments.map(x => ({...x, weight: expected('cash', {[x.id]: 1}, x.id)}))
      };
      const findAt = p => ({level: p, ...findPayments(parts, {...request, level: p})});
      let best = findAt(Number(level.value));
      if (best.excluded || best.unlimited) return best.excluded ? words.excluded : words.unlimited;
      if (best.many) return fill(words.many, {count: grouped(best.many)});
      const said = best.solved ? [] : [sentence('none', best)];
      if (brief && !best.solved) {
        const lower = [...level.options].map(option => Number(option.value)).filter(p => p < best.level).reverse();
        best = lower.map(findAt).find(other => other.solved) ?? best;
      }
      find.dataset.milliseconds = (performance.now() - start).toFixed(1);
      asked.dataset.found = JSON.stringify(best);
      asked.querySelector('.use').hidden = !best.solved;
      const more = brief ? [best.solved ? 'announce' : 'least']
        : best.solved ? ['answer', ...best.limited ? [] : ['not_limited'], 'error'] : ['nearest', 'least', 'error'];
      return [...said, ...more.map(name => sentence(name, best))].join(' ');

      function sentence(name, made) {
        const unit = made.error > say.minor ? 10 ** Math.floor(Math.log10(made.error)) : say.minor;
        return fill(words[name], {
          tiers: payments.map(x => fill(x.text, {payment: say.exact(made.payments[x.id])})).join('; '),
          expected: say.money(expected('cash', made.payments)),
          quantile: say.money(made.quantile),
          mark: `P${Math.round(100 * made.level)}`,
          level: `${Math.round(100 * made.level)}%`,
          budget: say.full(budget),
          chance: say.percent(made.chance),
          error: say.money(made.error),
          unit: say.unit,
          amount: say.amount(Math.ceil(made.quantile / unit - 1e-9) * unit)
        });
      }
    }

    // A line cannot say that an input is uncertain around another mean, so moved inputs become known exactly.
    function copyCommand(language) {
      const ids = Object.keys(given), {names, [language]: form} = live.command, output = box.querySelector('.line');
      ids.filter(id => id in live.means && !known[id]).forEach(id => sliders[id].put(given[id], true));
      const changes = ids.filter(id => id in names).map(id => {
        return fill(form.change, {name: names[id][0], value: Number((given[id] / names[id][1]).toPrecision(10))});
      });
      const others = ids.filter(id => !(id in names)).map(id => sliders[id].name);
      output.value = fill(form.line, {
        budget: budget === null ? '' : fill(form.budget, {budget: Math.round(budget / say.minor)}),
        changes: changes.length ? fill(form.changes, {changes: changes.join(form.between)}) : ''
      }).replace(', )', ')').replace(/ +/g, ' ');
      write('.left-out', others.length ? fill(live.words.left_out, {name: others.join(', ')}) : '');
      box.querySelector('.copied').hidden = false;
      output.select();
      navigator.clipboard?.writeText(output.value).catch(() => {});  // else it is selected
    }

    const listen = (selector, go) => all(selector).forEach(button => button.addEventListener('click', () => go(button)));

    for (const element of root.querySelectorAll('.slider')) {
      sliders[element.dataset.factor] = slider(element, (id, value, exactly) => {
        values[id] = given[id] = value;
        known[id] = exactly;
        tell(id);
      });
    }
    // Settings at once: the sliders move to the new means, or to exact values.
    listen('[data-preset]', button => {
      back();
      for (const [id, change] of Object.entries(data.presets[button.dataset.preset].changes)) {
        sliders[id].put(change.set ?? model.meanAfter(id, change, live.means[id]), change.set !== undefined);
      }
    });
    listen('.reset', () => {
      back();
      tell();
      root.querySelector('[tabindex="-1"]').focus();
    });
    listen('.use', button => {
      applying = true;
      for (const [id, value] of Object.entries(JSON.parse(button.closest('[data-found]').dataset.found).payments)) {
        sliders[id].put(value, false);
      }
      applying = false;
    });
    listen('.copy', button => copyCommand(button.value));
    form?.addEventListener('submit', event => {
      event.preventDefault();
      write('.solution', search());
    });
    form?.addEventListener('input', clear);
    field?.addEventListener('input', () => {
      const amount = say.read(field.value);
      setBudget(isNaN(amount) ? null : amount, true);
      if (isNaN(amount) && field.value) write('.over', live.words.no_amount);
    });
    // A browser may keep what was typed before the page was loaded again.
    back();
    if (live) {
      recall();
      setBudget(budget);
      show();
    }
    return {
      // Lets a chart of the total follow the sliders and the budget; a click in it sets the budget.
      attach(element, view, told) {
        if (!live) return;  // too few draws to redraw the chart
        const chart = picture(element, view, say, live, told);
        pictures = [...pictures.filter(each => each.element !== element), chart];
        element.onclick = event => {
          setBudget(Number((chart.amountAt(event.clientX) / live.per_field).toPrecision(2)) * live.per_field);
        };
        draw();
      }
    };
  };
})();
