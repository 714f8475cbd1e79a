use super::*;

fn panel(across: Across, places: &[f64]) -> Panel {
    let point = |&at: &f64| Point { note: "seed <1>".into(), ..Point::new(at, (at.mul_add(0.1, 0.5), 0.05)) };
    let series = |(color, joined)| Points {
        label: format!("series & {color}"),
        color,
        joined,
        points: places.iter().map(point).collect(),
    };
    let points = [(0, Joined::Not), (1, Joined::Solid), (2, Joined::Dashed)].map(series).into();
    Panel { name: "accuracy".into(), across, points, ..Panel::default() }
}

#[test]
fn every_kind_of_axis_can_be_drawn_and_says_its_values() {
    let choices = || Across::Choices("optimizer".into(), vec!["adam".into(), "sgd".into()]);
    for (across, places, told) in [
        (Across::Varied("rate".into(), Scale::Linear), &[0.1, 0.3][..], "rate 0.3"),
        (Across::Varied("l2".into(), Scale::Logarithmic), &[0.0, 1e-4, 1e-2], "l2 1e-4"),
        (Across::Varied("negative".into(), Scale::Logarithmic), &[-1.0, 1.0], "negative -1"),
        (Across::Varied("nothing".into(), Scale::Logarithmic), &[], "nothing"),
        (Across::Varied("zero".into(), Scale::Logarithmic), &[0.0], "zero 0"),
        (choices(), &[0.0, 1.0], "optimizer sgd"),
        (Across::Values("confidence", 0.0, 1.0), &[0.5], "confidence 0.5"),
        (Across::Epochs, &[1.0, 2.0], "epoch 2"),
    ] {
        let figure = Figure { title: "<t>".into(), panels: vec![panel(across, places)], ..Figure::default() };
        let page = figure.markup("c").unwrap().into_string();
        assert_eq!(
            page.matches("<circle").count() - page.matches("<title>").count(),
            page.matches("<title>").count()
        );
        assert_eq!(page.matches("<title>").count(), 3 * places.len());
        assert!(page.contains(told) && page.contains("&lt;t&gt;"), "{page}");
        let expected = "95 % interval";
        assert_eq!(page.contains(expected), !places.is_empty(), "{page}");
        assert!(figure.svg().unwrap().ends_with("</svg>\n"));
        assert!(!figure.png().unwrap().is_empty());
    }
}

#[test]
fn points_without_a_value_or_an_interval_are_no_harm() {
    let mut panel = panel(Across::Varied("rate".into(), Scale::Linear), &[0.1, 0.2, 0.3]);
    panel.points[0].points[0] = Point::new(0.1, (0.5, f64::INFINITY));
    panel.points[0].points[1].value = f64::NAN;
    panel.points[0].points[2].interval = Some((f64::NEG_INFINITY, f64::INFINITY));
    let figure = Figure { panels: vec![panel], ..Figure::default() };
    let page = figure.markup("").unwrap().into_string();
    assert_eq!(page.matches("<title>").count(), 8);
    assert_eq!(page.matches("95 % interval").count(), 6, "{page}");
    assert!(!page.contains("NaN") && !page.contains("inf"), "{page}");
}

#[test]
fn the_scale_follows_the_values() {
    assert_eq!(Scale::of(&[0.0, 0.1, 0.5, 0.9]), Scale::Linear);
    assert_eq!(Scale::of(&[0.0, 1e-4, 1e-2]), Scale::Logarithmic);
    assert_eq!(Scale::of(&[-1.0, 1e-4, 1e-2]), Scale::Linear);
    assert_eq!(Scale::of(&[]), Scale::Linear);
}

#[test]
fn long_titles_and_legends_wrap_in_files() {
    let names: Vec<String> = (0..12).map(|number| format!("a model with a long name {number}")).collect();
    let title = "A sentence that goes on. ".repeat(10);
    let figure = Figure { title, panels: vec![Panel::default()], names, phases: true };
    let short = Figure { title: "t".into(), panels: vec![Panel::default()], ..Figure::default() };
    let height = |figure: &Figure| {
        let svg = figure.svg().unwrap();
        let (_, rest) = svg.split_once("height=\"").unwrap();
        rest.split_once('"').unwrap().0.parse::<u32>().unwrap()
    };
    assert!(height(&figure) > height(&short) + 3 * 26);
}
