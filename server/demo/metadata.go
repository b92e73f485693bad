package demo

import (
	"encoding/xml"
	"strconv"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/demo/scene"
)

// muscate is the part of Theia's metadata file that a program reads most often. The element names are theirs.
type muscate struct {
	XMLName xml.Name `xml:"Muscate_Metadata_Document"`
	ID      string   `xml:"Product_Characteristics>PRODUCT_ID"`
	Date    string   `xml:"Product_Characteristics>ACQUISITION_DATE"`
	Level   string   `xml:"Product_Characteristics>PRODUCT_LEVEL"`
	Sat     string   `xml:"Product_Characteristics>PLATFORM"`
	Orbit   int      `xml:"Product_Characteristics>ORBIT_NUMBER"`
	Zone    string   `xml:"Dataset_Identification>GEOGRAPHICAL_ZONE"`
	Note    string   `xml:"Dataset_Identification>DESCRIPTION"`
	CRS     string   `xml:"Geoposition_Informations>Coordinate_Reference_System>HORIZONTAL_CS_CODE"`
	Sun     struct {
		Zenith  quantity `xml:"ZENITH_ANGLE"`
		Azimuth quantity `xml:"AZIMUTH_ANGLE"`
	} `xml:"Geometric_Informations>Mean_Value_List>Sun_Angles"`
	Quantification float64     `xml:"Radiometric_Informations>REFLECTANCE_QUANTIFICATION_VALUE"`
	NoData         int         `xml:"Radiometric_Informations>Special_Values_List>SPECIAL_VALUE"`
	Quality        []qualities `xml:"Quality_Informations>Global_Index_List>QUALITY_INDEX"`
}

type quantity struct {
	Unit  string `xml:"unit,attr"`
	Value string `xml:",chardata"`
}

type qualities struct {
	Name  string `xml:"name,attr"`
	Value string `xml:",chardata"`
}

func metadataXML(s *acquisition) []byte {
	az, el := scene.Sun(s.time, s.centre.X, s.centre.Y)
	number := func(v float64) string { return strconv.FormatFloat(v, 'f', 4, 64) }
	m := muscate{
		ID: s.id, Date: s.time.Format("2006-01-02T15:04:05.000Z"), Level: "L2A", Sat: s.platform, Orbit: s.orbit,
		Zone: "T" + s.square, Note: "Sample at one tenth of the real resolution: made pixels, not an image of the Earth.",
		CRS: strconv.Itoa(s.proj.EPSG()), Quantification: scene.Scale,
		Quality: []qualities{{"CloudPercent", number(s.cloud)}},
	}
	m.Sun.Zenith, m.Sun.Azimuth = quantity{"deg", number(90 - el)}, quantity{"deg", number(az)}
	b, err := xml.MarshalIndent(m, "", "  ")
	if err != nil {
		// Plain values always marshal.
		panic("demo: " + err.Error())
	}
	return append([]byte(xml.Header), append(b, '\n')...)
}
