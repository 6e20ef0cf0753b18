(function () {
  'use strict';

  var OPTIONS = {
    ast: true, actions: false, defaultStyle: false, renderer: 'svg', tooltip: {disableDefaultStyle: true}
  };

  function charts() {
    document.querySelectorAll('script.charts').forEach(function (element) {
      var specs = JSON.parse(element.textContent);
      Object.keys(specs).forEach(function (name) {
        var place = document.getElementById('chart-' + name);
        if (place) window.vegaEmbed(place, specs[name], OPTIONS);
      });
    });
  }

  // Views that listen to each other have widths of their own: one drawing for a desk, one for a phone.
  function selection() {
    var place = document.getElementById('chart-linked');
    if (!place) return;
    var specs = JSON.parse(document.getElementById('linked-data').textContent);
    var shown = '', last = null, width = window.matchMedia('(min-width: 780px)');
    function draw() {
      var wanted = width.matches ? 'wide' : 'narrow';
      if (wanted === shown) return;
      shown = wanted;
      if (last) last.finalize();
      window.vegaEmbed(place, specs[wanted], OPTIONS).then(function (result) { last = result; });
    }
    draw();
    width.addEventListener('change', draw);
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

  function whatIf() {
    var element = document.getElementById('what-if-data');
    if (!element) return;
    var data = JSON.parse(element.textContent), say = data.words, minor = Math.pow(10, say.minor);
    var values = Object.assign({}, data.factors);

    function total(valuation) {
      var sum = 0;
      data.terms[valuation].forEach(function (term) {
        var product = term[0];
        term[1].forEach(function (id) { product *= values[id]; });
        sum += product;
      });
      return Number(sum.toPrecision(10));
    }

    function korean(won) {
      var parts = [];
      say.steps.forEach(function (step) {
        if (won >= step[0]) {
          parts.push(grouped(Math.floor(won / step[0])) + step[1]);
          won %= step[0];
        }
      });
      var even = parts.length && !won;
      if (!even) parts.push(grouped(won));
      return parts.join(' ') + (even ? ' ' : '') + say.unit;
    }

    function money(amount) {
      var units = twoDigits(amount / minor);
      if (say.korean) return korean(whole(units));
      var step = say.steps.find(function (s) { return units >= s[0]; }) || [1, ''];
      var number = grouped(Number((units / step[0]).toPrecision(10)));
      return number + (step[1] ? (say.glued ? '' : ' ') + step[1] : '') + ' ' + say.unit;
    }

    function exact(amount) {
      return say.exact.replace('{amount}', grouped(whole(amount) / minor, say.minor));
    }

    function change(now, before) {
      var added = now - before;
      if (!added) return say.same;
      var sign = added < 0 ? say.less : say.more;
      var share = before ? sign + grouped(twoDigits(Math.abs(added / before) * 100)) + '%' : '–';
      return say.change.replace('{amount}', sign + money(Math.abs(added))).replace('{share}', share);
    }

    function tell() {
      document.querySelectorAll('output[data-valuation]').forEach(function (output) {
        var valuation = output.dataset.valuation, now = total(valuation);
        output.querySelector('.said').textContent = money(now);
        output.querySelector('.exact').textContent = exact(now);
        output.querySelector('.change').textContent = change(now, data.report[valuation]);
      });
    }

    function moved(any) {
      document.getElementById('what-if-range').hidden = !any;
      document.getElementById('what-if-reset').disabled = !any;
    }

    var sliders = Array.from(document.querySelectorAll('.slider')).map(function (place) {
      var range = place.querySelector('[type=range]'), field = place.querySelector('[type=number]');
      var id = place.dataset.factor, unit = place.querySelector('.unit').textContent;
      var times = Number(place.dataset.times), per = Number(place.dataset.per);
      function said() { range.setAttribute('aria-valuetext', field.value + ' ' + unit); }
      function set(text) {
        values[id] = Number(text) * times / per;
        said();
        tell();
        moved(true);
      }
      function typed() {
        var number = field.valueAsNumber;
        if (!isFinite(number) || number < 0) return null;
        return place.dataset.bounded ? Math.min(number, Number(range.max)) : number;
      }
      range.addEventListener('input', function () {
        field.value = range.value;
        set(range.value);
      });
      field.addEventListener('input', function () {
        var number = typed();
        if (number === null) return;
        range.value = number;
        set(number);
      });
      field.addEventListener('change', function () {
        var number = typed();
        field.value = number === null ? range.value : number;
        said();
      });
      said();
      return function () {
        range.value = field.value = field.defaultValue;
        said();
      };
    });

    document.getElementById('what-if-reset').addEventListener('click', function () {
      values = Object.assign({}, data.factors);
      sliders.forEach(function (back) { back(); });
      tell();
      moved(false);
      document.getElementById('what-if').focus();
    });
    // A browser may keep what was typed before the page was loaded again.
    sliders.forEach(function (back) { back(); });
    document.querySelector('.what-if').classList.add('live');
  }

  // Paper cannot be unfolded.
  function printing() {
    var opened = [];
    window.addEventListener('beforeprint', function () {
      opened = Array.from(document.querySelectorAll('main details:not([open])'));
      opened.forEach(function (element) { element.open = true; });
    });
    window.addEventListener('afterprint', function () {
      opened.forEach(function (element) { element.open = false; });
    });
  }

  window.addEventListener('DOMContentLoaded', function () {
    whatIf();
    printing();
    if (!window.vegaEmbed) return;
    function draw() {
      charts();
      selection();
    }
    // Charts are laid out by the widths of their texts, so their font comes first.
    Promise.all(['400', '700'].map(function (weight) {
      return document.fonts.load(weight + ' 12px "Outage Sans"');
    })).then(draw, draw);
  });
})();
